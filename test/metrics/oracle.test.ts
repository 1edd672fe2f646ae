// Scores against MONAI, MedPy and DeepMind's surface-distance: recorded cases, and the areas of the marching cubes.
import { describe, expect, it } from 'vitest';
import { definitions, scores } from '../../src/metrics/definitions';
import { surfaceAreas } from '../../src/metrics/surface-areas';
import { expectPeerScores, pairOf, readOracle, text } from './cases';

const oracle = readOracle();

describe('scores', () => {
  it.each(oracle.cases.map((c) => [c.name, c] as const))('are those of the peers: %s', (_, c) => {
    expectPeerScores(c);
  });

  it('are named by what empty masks score', () => {
    const empty = ['both empty', 'truth empty', 'prediction empty'].map((name) =>
      scores(pairOf(oracle.cases.find((c) => c.name === name)!)),
    );
    for (const { key } of definitions()) {
      const rule = empty.map((s) => text(s[key]) ?? 'none').join('-');
      expect(key).toMatch(new RegExp(`\\.empty-${rule}$`));
    }
  });

  it('name the tolerance of NSD, and refuse one that is none', () => {
    const keys = definitions(2.5).map((d) => d.key);
    expect(keys).toContain('nsd-2.5mm.deepmind.empty-nan-0-0');
    expect(new Set(keys).size).toBe(keys.length);
    for (const wrong of [-1, NaN, Infinity])
      expect(() => definitions(wrong)).toThrow(
        `cannot score surfaces: given a tolerance of ${wrong} mm, expected a finite number of millimetres, 0 or more`,
      );
  });
});

describe('the areas of marching cubes', () => {
  it.each(oracle.areas)('are those of DeepMind in voxels of $spacing mm', ({ spacing, areas }) => {
    const ours = surfaceAreas(spacing);
    expect(ours).toHaveLength(256);
    for (let code = 0; code < 256; code++) {
      // DeepMind numbers the eight voxels in C order, from bit 7 down.
      let there = 0;
      for (let n = 0; n < 8; n++) {
        const [i, j, k] = [n & 1, (n >> 1) & 1, n >> 2];
        if ((code >> n) & 1) there |= 128 >> (4 * i + 2 * j + k);
      }
      expect(Math.abs(ours[code] - areas[there]), `case ${code}`).toBeLessThan(1e-12);
    }
  });
});
