import { describe, expect, it } from 'vitest';
import { intersectionLine, resizedLine } from '../../src/sampling/intersection';
import type { LinePlace } from '../../src/sampling/intersection';
import type { Plane, PlaneName } from '../../src/sampling/plane';
import { planeGrid, planeNames, readPlane, voxelOfPixel } from '../../src/sampling/plane';
import { fitSquare, toSquare } from '../../src/sampling/square';
import { voxelToWorld } from '../../src/volume/affine';
import type { Triple, Volume } from '../../src/volume/volume';
import { counted, orientations } from './volumes';

const pairs: [PlaneName, PlaneName][] = planeNames.flatMap((a) =>
  planeNames.filter((b) => b !== a).map((b): [PlaneName, PlaneName] => [a, b]),
);
const take = (volume: Volume, name: PlaneName, voxel: Triple): Plane =>
  readPlane(volume, planeGrid(volume, name), voxel);

/** Sample i of a line in a picture: column and row. */
const at = (p: LinePlace, i: number): [number, number] => [p.column + i * p.dColumn, p.row + i * p.dRow];

/** Bilinear value of a picture of `width` columns between its pixels. */
function sample(pixels: ArrayLike<number>, width: number, [x, y]: [number, number]): number {
  const [c, r] = [Math.floor(x), Math.floor(y)];
  const value = (dc: number, dr: number): number => pixels[(r + dr) * width + c + dc];
  const across = (dr: number): number => (c + 1 - x) * value(0, dr) + (x - c) * value(1, dr);
  return (r + 1 - y) * across(0) + (y - r) * across(1);
}

describe('the line in which two planes meet', () => {
  it('holds the same voxels in both pictures, in all 48 orientations, through one voxel or two', () => {
    const dims: Triple = [5, 4, 6];
    for (const axisCodes of orientations) {
      const volume = counted(dims, axisCodes);
      for (const [first, second] of [
        [
          [0, 0, 0],
          [0, 0, 0],
        ],
        [
          [4, 3, 5],
          [4, 3, 5],
        ],
        [
          [2, 1, 3],
          [2, 1, 3],
        ],
        [
          [0, 3, 2],
          [4, 1, 5],
        ],
      ] as [Triple, Triple][]) {
        for (const [nameA, nameB] of pairs) {
          const [a, b] = [take(volume, nameA, first), take(volume, nameB, second)];
          const line = intersectionLine(a, b);
          const { axis, count } = line;
          expect(count).toBe(dims[axis]);
          const seen = new Set<number>();
          for (let i = 0; i < count; i++) {
            const [ca, ra] = at(line.places[0], i);
            const [cb, rb] = at(line.places[1], i);
            const value = a.pixels[ra * a.grid.columns.count + ca];
            expect(b.pixels[rb * b.grid.columns.count + cb]).toBe(value);
            // The voxel is in both planes: each fixes one of its indices.
            const voxel = voxelOfPixel(a, ca, ra);
            expect(voxel[a.grid.normal]).toBe(first[a.grid.normal]);
            expect(voxel[b.grid.normal]).toBe(second[b.grid.normal]);
            expect(voxelOfPixel(b, cb, rb)).toEqual(voxel);
            seen.add(value);
          }
          expect(seen.size).toBe(count);
        }
      }
    }
  });

  it('runs to the side it names, and as far as it says, in world millimetres, on tilted grids too', () => {
    const sides = { R: [0, 1], L: [0, -1], A: [1, 1], P: [1, -1], S: [2, 1], I: [2, -1] } as const;
    for (const axisCodes of orientations) {
      for (const tilt of [0, 0.2]) {
        const volume = counted([3, 4, 5], axisCodes, { spacing: [0.5, 2, 3.25], tilt });
        for (const [nameA, nameB] of pairs) {
          const [a, b] = [take(volume, nameA, [1, 2, 3]), take(volume, nameB, [2, 0, 1])];
          const line = intersectionLine(a, b);
          const world = (i: number): Triple => {
            const [c, r] = at(line.places[1], i);
            return voxelToWorld(volume.affine, voxelOfPixel(b, c, r));
          };
          const [from, to] = [world(0), world(1)];
          const moved = to.map((w, d) => w - from[d]);
          expect(Math.hypot(...moved)).toBeCloseTo(line.spacing, 9);
          const [direction, sign] = sides[line.towards];
          const largest = moved.reduce((best, m, d) => (Math.abs(m) > Math.abs(moved[best]) ? d : best), 0);
          expect(largest).toBe(direction);
          expect(Math.sign(moved[direction])).toBe(sign);
        }
      }
    }
  });

  it('has the six lines of the study’s grid, by hand', () => {
    const volume = {
      ...counted([1, 1, 1], 'LPS'),
      dims: [240, 240, 155] as Triple,
      data: new Uint8Array(240 * 240 * 155),
    };
    const planes = planeNames.map((name) => take(volume, name, [10, 20, 30]));
    const lines = [
      intersectionLine(planes[0], planes[1]),
      intersectionLine(planes[2], planes[0]),
      intersectionLine(planes[1], planes[2]),
    ];
    expect(lines.map((l) => [l.planes.join(' '), l.axis, l.towards, l.count])).toEqual([
      ['axial coronal', 0, 'L', 240],
      ['sagittal axial', 1, 'P', 240],
      ['coronal sagittal', 2, 'I', 155],
    ]);
    expect(lines[0].places).toEqual([
      { column: 0, row: 20, dColumn: 1, dRow: 0, width: 240, height: 240 },
      { column: 0, row: 124, dColumn: 1, dRow: 0, width: 240, height: 155 },
    ]);
    expect(lines[1].places).toEqual([
      { column: 0, row: 124, dColumn: 1, dRow: 0, width: 240, height: 155 },
      { column: 10, row: 0, dColumn: 0, dRow: 1, width: 240, height: 240 },
    ]);
    expect(lines[2].places.map((p) => [p.column, p.row, p.dColumn, p.dRow])).toEqual([
      [10, 0, 0, 1],
      [20, 0, 0, 1],
    ]);
    // Stretched to 1024: a row of 155 becomes 6.6 rows high; padded, the scale is that of the longer side.
    const stretch = { size: 1024, columns: { from: 240, to: 1024 }, rows: { from: 155, to: 1024 } };
    const pad = { size: 1024, columns: { from: 240, to: 1024 }, rows: { from: 240, to: 1024 } };
    const [coronal, sagittal] = resizedLine(lines[2], [stretch, stretch]).places;
    expect(coronal.column).toBeCloseTo((10.5 * 1024) / 240 - 0.5, 12);
    expect(coronal.row).toBeCloseTo((0.5 * 1024) / 155 - 0.5, 12);
    expect(sagittal.dRow).toBeCloseTo(1024 / 155, 12);
    expect([coronal.width, coronal.height]).toEqual([1024, 1024]);
    expect(resizedLine(lines[0], [pad, stretch]).places[0].row).toBeCloseTo((20.5 * 1024) / 240 - 0.5, 12);
  });

  it('finds, in resized ramps, the samples where it says they are', () => {
    // A ramp stays a ramp when it is enlarged, so a resized picture read at the place of sample i gives i's own value.
    const volume = counted([9, 8, 7], 'LPS', { make: Float32Array });
    const fitted = { kernel: 'bilinear', convention: 'torch', antialias: false } as const;
    for (const way of ['stretch', 'pad'] as const) {
      for (const [nameA, nameB] of pairs) {
        const planes = [take(volume, nameA, [4, 3, 2]), take(volume, nameB, [5, 4, 3])] as const;
        const fits = planes.map(({ grid }) =>
          fitSquare(grid.columns.count, grid.rows.count, 40, way, fitted),
        );
        const line = resizedLine(intersectionLine(...planes), [fits[0], fits[1]]);
        line.places.forEach((place, which) => {
          const { pixels, grid } = planes[which];
          const square = toSquare(pixels, fits[which]);
          const before = intersectionLine(...planes).places[which];
          // At the border the resized ramp is flat: only samples with neighbours on both sides are read.
          for (let i = 1; i < line.count - 1; i++) {
            const [c, r] = at(before, i);
            expect(sample(square, 40, at(place, i))).toBeCloseTo(pixels[r * grid.columns.count + c], 3);
          }
        });
      }
    }
  });

  it('refuses planes that do not meet in a line, and fits for other pictures', () => {
    const volume = counted([3, 4, 5], 'LPS');
    const axial = take(volume, 'axial', [0, 0, 0]);
    expect(() => intersectionLine(axial, take(volume, 'axial', [0, 0, 1]))).toThrow(
      'given axial in 3 x 4 x 5 voxels and axial in 3 x 4 x 5 voxels, expected planes of two different names in one volume',
    );
    expect(() => intersectionLine(axial, take(counted([3, 4, 6], 'LPS'), 'coronal', [0, 0, 0]))).toThrow(
      'coronal in 3 x 4 x 6 voxels',
    );
    const line = intersectionLine(axial, take(volume, 'coronal', [0, 0, 0]));
    const fit = (width: number, height: number) => ({
      size: 8,
      columns: { from: width, to: 8 },
      rows: { from: height, to: 8 },
    });
    expect(() => resizedLine(line, [fit(3, 5), fit(3, 4)])).toThrow(
      'cannot place a line in the resized axial plane: given a fit for 3 x 5 pixels, expected one for 3 x 4',
    );
    expect(resizedLine(line, [fit(3, 4), fit(3, 5)]).count).toBe(3);
  });
});
