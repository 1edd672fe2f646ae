// The distance transform against the distances to all features, one by one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { squaredDistances } from '../../src/metrics/distance-transform';
import type { Triple } from '../../src/volume/volume';

const edge = fc.integer({ min: 1, max: 7 });
const millimetres = fc.double({ min: 0.2, max: 8, noNaN: true });

describe('the distance transform', () => {
  it('finds the nearest feature in any grid', () => {
    fc.assert(
      fc.property(
        fc.tuple(edge, edge, edge),
        fc.tuple(millimetres, millimetres, millimetres),
        fc.infiniteStream(fc.boolean()),
        fc.integer({ min: 1, max: 12 }),
        (dims, spacing, bits, rarity) => {
          const n = dims[0] * dims[1] * dims[2];
          const features = Uint8Array.from([...bits.take(n)], (b, i) => (b && i % rarity === 0 ? 1 : 0));
          const ours = squaredDistances(features, dims, spacing);
          for (let i = 0; i < n; i++) {
            const nearest = nearestBySearch(features, dims, spacing, i);
            if (nearest === Infinity) expect(ours[i]).toBe(Infinity);
            else expect(Math.abs(ours[i] - nearest)).toBeLessThanOrEqual(1e-12 * nearest);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

function nearestBySearch(features: Uint8Array, dims: Triple, spacing: Triple, at: number): number {
  const place = (i: number): Triple => [
    i % dims[0],
    Math.floor(i / dims[0]) % dims[1],
    Math.floor(i / dims[0] / dims[1]),
  ];
  const here = place(at);
  let least = Infinity;
  features.forEach((feature, i) => {
    if (!feature) return;
    const d2 = place(i).reduce((sum, v, a) => sum + ((v - here[a]) * spacing[a]) ** 2, 0);
    least = Math.min(least, d2);
  });
  return least;
}
