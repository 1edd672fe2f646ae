// Live: MONAI, MedPy and DeepMind's surface-distance score fresh masks as this program does.
import { it } from 'vitest';
import { describeWith } from '../setup/peers';
import { expectPeerScores, freshCases } from './cases';

describeWith('segmentation-metrics', 'scores of fresh masks, live', () => {
  it.each([1, 2])('agree on 40 of seed %d', { timeout: 120_000 }, (seed) => {
    for (const c of freshCases(40, seed)) expectPeerScores(c);
  });
});
