// Thick slices by hand-computed cases and by properties.
import { describe, expect, it } from 'vitest';
import { diagonalAffine, voxelToWorld } from '../../src/volume/affine';
import { volumeOf } from '../../src/volume/volume';
import { thickImage, thickLabels, thinLabels } from '../../src/sampling/thick';

const image = volumeOf(Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), [1, 2, 5], diagonalAffine([1, 2, 3], [10, 20, 30])); // prettier-ignore

describe('thick slices', () => {
  it('are means of blocks, the last of what is left, in the middle of where their voxels were', () => {
    const thick = thickImage(image, 2, 2);
    expect([thick.dims, [...thick.data]]).toEqual([[1, 2, 3], [2, 3, 6, 7, 9, 10]]); // prettier-ignore
    expect(thick.spacing).toEqual([1, 2, 6]);
    expect(voxelToWorld(thick.affine, [0, 0, 0])).toEqual([10, 20, 31.5]);
    expect(voxelToWorld(thick.affine, [0, 1, 1])).toEqual([10, 22, 37.5]);
    expect([...thickImage(image, 1, 2).data]).toEqual([1.5, 3.5, 5.5, 7.5, 9.5]);
    expect([...thickImage(image, 0, 4).data]).toEqual([...image.data]);
    expect([...thickImage(image, 2, 1).data]).toEqual([...image.data]);
  });

  it('have the label of most of their voxels, and of equals now the first and now the last', () => {
    const labels = (values: number[], dims: [number, number, number]) =>
      volumeOf(Uint8Array.from(values), dims, diagonalAffine([1, 1, 1]));
    expect([...thickLabels(labels([0, 2, 2, 1, 1, 1], [1, 1, 6]), 2, 3).data]).toEqual([2, 1]);
    // (x + y) is 0, 1, 1, 2: the first, the last, the last, the first.
    const tied = thickLabels(labels([0, 0, 0, 0, 1, 1, 1, 1], [2, 2, 2]), 2, 2);
    expect([...tied.data]).toEqual([0, 1, 1, 0]);
    expect(tied.data).toBeInstanceOf(Uint8Array);
  });

  it('come back to the thin grid, where whole blocks of one label are what they were', () => {
    const values = Uint8Array.from({ length: 3 * 4 * 5 }, (_, i) => Math.floor(i / 12 / 2));
    const labels = volumeOf(values, [3, 4, 5], diagonalAffine([1, 1, 1]));
    const thick = thickLabels(labels, 2, 2);
    expect([...thinLabels(thick.data as Uint8Array, [3, 4, 5], 2, 2)]).toEqual([...values]);
    expect(() => thinLabels(new Uint8Array(7), [3, 4, 5], 2, 2)).toThrow('given 7 voxels for a grid of 3 x 4 x 5 with 2 together along axis 2, expected 36'); // prettier-ignore
    for (const [axis, factor] of [
      [3, 2],
      [0, 0],
      [1, 1.5],
    ])
      expect(() => thickImage(image, axis, factor)).toThrow(`given axis ${axis}, ${factor} voxels together`);
  });
});
