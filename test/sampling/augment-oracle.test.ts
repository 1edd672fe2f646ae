// Augmentations against what batchgeneratorsv2 made of the same patches (recorded, see test/oracles/augment_cases.py).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadedSize } from '../../src/sampling/augment/spatial';
import type { Triple } from '../../src/volume/volume';
import { expectPeersPatch, unpackPatch, type Case } from './augment-cases';

const oracle = JSON.parse(readFileSync(path.join(__dirname, '..', 'oracles', 'augment.json'), 'utf8')) as {
  versions: Record<string, string>;
  loaded: { size: Triple; loaded: Triple }[];
  cases: Case[];
};

describe(`batchgeneratorsv2 ${oracle.versions.batchgeneratorsv2}`, () => {
  it.each(oracle.cases)('agrees: $name', (one) => {
    expectPeersPatch(unpackPatch(one), one.step, unpackPatch(one.expect), 1e-5);
  });

  it.each(oracle.loaded)('loads a patch for $size as nnU-Net does', ({ size, loaded }) => {
    expect(loadedSize(size)).toEqual(loaded);
  });
});
