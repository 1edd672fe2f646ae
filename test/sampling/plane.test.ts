import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutOf, runsOf } from '../../src/sampling/layout';
import { planeGrid, planeNames, readPlane, voxelOfPixel } from '../../src/sampling/plane';
import type { Triple, Volume } from '../../src/volume/volume';

/** A volume whose every voxel holds its own index. */
function counted(dims: Triple, axisCodes: string): Volume {
  const data = Int32Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => i);
  const row = (code: string): [number, number, number, number] => {
    const axis = [...axisCodes].findIndex((c) =>
      'RL AP SI'
        .split(' ')
        .find((p) => p.includes(c))!
        .includes(code),
    );
    return [0, 1, 2, 3].map((i) => (i === axis ? (axisCodes[axis] === code ? 1 : -1) : 0)) as never;
  };
  return {
    data,
    dims,
    spacing: [1, 2, 3],
    axisCodes,
    affine: [row('R'), row('A'), row('S'), [0, 0, 0, 1]],
  } as unknown as Volume;
}

const orientations = ['RAS', 'LPS', 'LAS', 'ASL', 'LIA', 'PIR', 'SAR', 'IPL'];

describe('planes', () => {
  it('has the run lengths of the study’s 240x240x155 grid', () => {
    const head = { dims: [240, 240, 155] as Triple, spacing: [1, 1, 1] as Triple, axisCodes: 'LPS' };
    const layout = layoutOf({ ...head, data: new Uint8Array(240 * 240 * 155) }, 'file');
    expect(planeNames.map((name) => runsOf(layout, name))).toEqual([
      { count: 1, length: 57600 },
      { count: 155, length: 240 },
      { count: 37200, length: 1 },
    ]);
  });

  it('shows the patient’s right on the left, front and head at the top', () => {
    for (const axisCodes of orientations) {
      const v = counted([3, 4, 5], axisCodes);
      expect(planeGrid(v, 'axial').edges).toEqual({ left: 'R', right: 'L', top: 'A', bottom: 'P' });
      expect(planeGrid(v, 'coronal').edges).toEqual({ left: 'R', right: 'L', top: 'S', bottom: 'I' });
      expect(planeGrid(v, 'sagittal').edges).toEqual({ left: 'A', right: 'P', top: 'S', bottom: 'I' });
      // World coordinates of neighbours, from the affine and not from the codes the layout was made of.
      const world = (voxel: Triple, r: number): number =>
        v.affine[r].slice(0, 3).reduce((s, a, i) => s + a * voxel[i], 0);
      const axial = readPlane(v, planeGrid(v, 'axial'), [1, 1, 1]);
      expect(world(voxelOfPixel(axial, 1, 0), 0)).toBeLessThan(world(voxelOfPixel(axial, 0, 0), 0));
      expect(world(voxelOfPixel(axial, 0, 1), 1)).toBeLessThan(world(voxelOfPixel(axial, 0, 0), 1));
      const sagittal = readPlane(v, planeGrid(v, 'sagittal'), [1, 1, 1]);
      expect(world(voxelOfPixel(sagittal, 1, 0), 1)).toBeLessThan(world(voxelOfPixel(sagittal, 0, 0), 1));
      expect(world(voxelOfPixel(sagittal, 0, 1), 2)).toBeLessThan(world(voxelOfPixel(sagittal, 0, 0), 2));
    }
  });

  it('holds, in every pixel, the voxel it says it comes from; all three planes agree on the shared voxel', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...orientations),
        fc.tuple(
          fc.integer({ min: 1, max: 5 }),
          fc.integer({ min: 1, max: 6 }),
          fc.integer({ min: 1, max: 7 }),
        ),
        fc.tuple(fc.nat(), fc.nat(), fc.nat()),
        (axisCodes, dims, pick) => {
          const v = counted(dims, axisCodes);
          const voxel = pick.map((p, i) => p % dims[i]) as Triple;
          const index = (at: Triple): number => at[0] + dims[0] * (at[1] + dims[1] * at[2]);
          for (const name of planeNames) {
            const plane = readPlane(v, planeGrid(v, name), voxel);
            const width = plane.grid.columns.count;
            plane.pixels.forEach((value, i) => {
              expect(value).toBe(index(voxelOfPixel(plane, i % width, Math.floor(i / width))));
            });
            expect(plane.pixels[plane.crosshair[1] * width + plane.crosshair[0]]).toBe(index(voxel));
          }
        },
      ),
    );
  });

  it('refuses voxels outside, and buffers that do not fit', () => {
    const v = counted([3, 4, 5], 'RAS');
    const grid = planeGrid(v, 'axial');
    expect(() => readPlane(v, grid, [3, 0, 0])).toThrow(
      'cannot take a plane: given voxel (3, 0, 0), expected whole numbers from (0, 0, 0) to (2, 3, 4)',
    );
    expect(() => readPlane(v, grid, [0.5, 0, 0])).toThrow('voxel (0.5, 0, 0)');
    expect(() => readPlane(v, grid, [0, 0, 0], new Int32Array(11))).toThrow(
      'given a Int32Array of 11, expected a Int32Array of 3 x 4',
    );
    expect(() => planeGrid({ dims: [1, 1, 1], spacing: [1, 1, 1], axisCodes: 'R?S' }, 'axial')).toThrow(
      'axis codes R?S',
    );
  });
});
