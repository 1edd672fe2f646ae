import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Layout, LayoutName } from '../../src/sampling/layout';
import { extraBytes, gatherPlane, layoutNames, layoutOf, offsetsOf, runsOf } from '../../src/sampling/layout';
import type { PlaneName } from '../../src/sampling/plane';
import { planeGrid, planeNames, readPlane } from '../../src/sampling/plane';
import type { Triple, Volume, VoxelArray } from '../../src/volume/volume';
import { arrayTypes, bytesOf, counted, orientations, placeInFile, voxelsOfPlane } from './volumes';

function bufferFor(layout: Layout, plane: PlaneName): VoxelArray {
  const { columns, rows } = layout.grids[plane];
  return new (layout.data.constructor as new (n: number) => VoxelArray)(columns.count * rows.count);
}

function gathered(layout: Layout, plane: PlaneName, index: number): VoxelArray {
  const into = bufferFor(layout, plane);
  gatherPlane(layout, plane, index, into);
  return into;
}

/** Layouts of every kind, with bricks that divide the dims and bricks that do not. */
function layoutsOf(volume: Volume): Layout[] {
  return [
    ...layoutNames.map((name) => layoutOf(volume, name)),
    ...[1, 2, 3, 4, 16].map((brick) => layoutOf(volume, 'bricks', { brick })),
  ];
}

/** A volume of random bytes: among the floats there are NaNs of every kind. */
function noise(dims: Triple, axisCodes: string, make: (typeof arrayTypes)[number], seed: number): Volume {
  const volume = counted(dims, axisCodes, { make });
  const bytes = bytesOf(volume.data);
  let state = seed | 1;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Every fourth byte is all ones, and its neighbour nearly so: exponents of NaN and infinity are common.
    bytes[i] = i % 4 === 3 ? 0xff : i % 4 === 2 ? (state >>> 24) | 0x70 : state >>> 24;
  }
  return volume;
}

describe('layouts', () => {
  it('hold the planes that the affine alone finds, through every voxel of the border, in all 48 orientations', () => {
    expect(new Set(orientations).size).toBe(48);
    const dims: Triple = [3, 4, 5];
    for (const axisCodes of orientations) {
      const volume = counted(dims, axisCodes);
      const layouts = layoutsOf(volume);
      for (const plane of planeNames) {
        const { normal } = planeGrid(volume, plane);
        for (let index = 0; index < dims[normal]; index++) {
          const voxel: Triple = [1, 1, 1];
          voxel[normal] = index;
          const { width, voxels } = voxelsOfPlane(volume, plane, voxel);
          const expected = voxels.map((v) => placeInFile(volume, v));
          expect(readPlane(volume, planeGrid(volume, plane), voxel).grid.columns.count).toBe(width);
          expect([...readPlane(volume, planeGrid(volume, plane), voxel).pixels]).toEqual(expected);
          for (const layout of layouts) expect([...gathered(layout, plane, index)]).toEqual(expected);
        }
      }
    }
  });

  it('take planes through every border voxel, and put the cross-hair on it', () => {
    const dims: Triple = [4, 3, 5];
    for (const axisCodes of orientations) {
      const volume = counted(dims, axisCodes);
      for (let i = 0; i < volume.data.length; i++) {
        const voxel: Triple = [i % 4, Math.floor(i / 4) % 3, Math.floor(i / 12)];
        if (!voxel.some((v, a) => v === 0 || v === dims[a] - 1)) continue;
        for (const plane of planeNames) {
          const { pixels, crosshair, grid } = readPlane(volume, planeGrid(volume, plane), voxel);
          expect(pixels[crosshair[1] * grid.columns.count + crosshair[0]]).toBe(i);
        }
      }
    }
  });

  const anyVolume = fc.record({
    axisCodes: fc.constantFrom(...orientations),
    make: fc.constantFrom(...arrayTypes),
    dims: fc.tuple(
      fc.integer({ min: 1, max: 19 }),
      fc.integer({ min: 1, max: 18 }),
      fc.integer({ min: 1, max: 17 }),
    ),
    seed: fc.integer(),
    brick: fc.integer({ min: 1, max: 9 }),
    shared: fc.boolean(),
  });

  it('agree bit for bit with each other and with their own offsets, whatever the array type', () => {
    fc.assert(
      fc.property(anyVolume, fc.nat(), ({ axisCodes, make, dims, seed, brick, shared }, pick) => {
        const volume = noise(dims, axisCodes, make, seed);
        const layouts = layoutNames.map((name) => layoutOf(volume, name, { brick, shared }));
        for (const plane of planeNames) {
          const index = pick % layouts[0].grids[plane].count;
          const expected = bytesOf(gathered(layouts[0], plane, index));
          for (const layout of layouts) {
            expect(bytesOf(gathered(layout, plane, index)).equals(expected)).toBe(true);
            const size = layout.data.BYTES_PER_ELEMENT;
            const all = bytesOf(layout.data);
            offsetsOf(layout, plane, index).forEach((at, pixel) => {
              const [a, b] = [
                all.subarray(at * size, (at + 1) * size),
                expected.subarray(pixel * size, (pixel + 1) * size),
              ];
              if (!a.equals(b)) expect.fail(`pixel ${pixel} of ${plane} in ${layout.name}`);
            });
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('keep every bit of a NaN, in code that is hot too', () => {
    for (const make of [Float32Array, Float64Array]) {
      const volume = noise([16, 16, 16], 'LPS', make, 7);
      expect(volume.nonFinite.nan).toBe(0); // counted before the noise
      const [file, copies, bricks] = layoutNames.map((name) => layoutOf(volume, name));
      const nans = volume.data.filter((v) => Number.isNaN(v)).length;
      expect(nans).toBeGreaterThan(1000);
      for (let round = 0; round < 2000; round++) {
        for (const plane of planeNames) {
          const index = round % 16;
          const expected = bytesOf(gathered(file, plane, index));
          expect(bytesOf(gathered(copies, plane, index)).equals(expected)).toBe(true);
          expect(bytesOf(gathered(bricks, plane, index)).equals(expected)).toBe(true);
          if (round % 500 > 0) continue;
          // Byte by byte from the volume, through the voxels that the affine finds.
          const voxel: Triple = [index, index, index];
          const size = volume.data.BYTES_PER_ELEMENT;
          const bytes = bytesOf(volume.data);
          const places = voxelsOfPlane(volume, plane, voxel).voxels.map((v) => size * placeInFile(volume, v));
          expect(Buffer.concat(places.map((p) => bytes.subarray(p, p + size))).equals(expected)).toBe(true);
        }
      }
    }
  });

  it('read from arrays and into arrays that begin anywhere in their memory', () => {
    for (const make of arrayTypes) {
      for (const skip of [1, 2, 3]) {
        const whole = counted([8, 8, 9], 'LPS', { make });
        const volume = {
          ...whole,
          data: whole.data.subarray(64 * skip, 64 * skip + 7 * 6 * 5),
          dims: [7, 6, 5] as Triple,
        };
        for (const layout of layoutsOf(volume)) {
          for (const plane of planeNames) {
            const expected = [...gathered(layoutOf(volume, 'file'), plane, 2)];
            const room = new (volume.data.constructor as new (n: number) => VoxelArray)(expected.length + 9);
            const into = room.subarray(skip, skip + expected.length);
            gatherPlane(layout, plane, 2, into);
            expect([...into]).toEqual(expected);
            expect(
              [...room.subarray(0, skip)]
                .concat([...room.subarray(skip + expected.length)])
                .every((v) => v === 0),
            ).toBe(true);
          }
        }
      }
    }
  });

  it('count runs as a walk through memory finds them', () => {
    const dims: Triple = [240, 240, 155];
    const volume = { ...counted([1, 1, 1], 'LPS'), dims, data: new Uint8Array(240 * 240 * 155) };
    const runs = (name: LayoutName, options = {}) =>
      planeNames.map((p) => runsOf(layoutOf(volume, name, options), p));
    expect(runs('copies').map((r) => [r.count, r.length])).toEqual([
      [1, 57600],
      [1, 37200],
      [1, 37200],
    ]);
    // By hand: an axial plane has 30 x 30 bricks, a run of 8 x 8 in each; a coronal plane 30 x 155 runs of 8.
    expect(runs('bricks').map((r) => [r.count, r.length])).toEqual([
      [900, 64],
      [30 * 155, 8],
      [37200, 1],
    ]);
    // 155 = 9 x 16 + 11: bricks at the far border are cut.
    expect(runs('bricks', { brick: 16 })[1]).toEqual({ count: 15 * 155, length: 16 });
    for (const axisCodes of orientations) {
      const small = counted([4, 5, 6], axisCodes);
      for (const layout of layoutsOf(small)) {
        for (const plane of planeNames) {
          const offsets = new Set(offsetsOf(layout, plane, 1));
          const starts = [...offsets].filter((o) => !offsets.has(o - 1)).length;
          expect(runsOf(layout, plane)).toEqual({ count: starts, length: offsets.size / starts });
        }
      }
    }
  });

  it('tell the memory they take', () => {
    const volume = counted([10, 9, 8], 'LPS', { make: Float32Array });
    expect(extraBytes(layoutOf(volume, 'file'))).toBe(0);
    expect(extraBytes(layoutOf(volume, 'copies'))).toBe(2 * 720 * 4);
    expect(extraBytes(layoutOf(volume, 'bricks'))).toBe((16 * 16 * 8 - 720) * 4);
    expect(extraBytes(layoutOf(volume, 'bricks', { brick: 1 }))).toBe(0);
  });

  it('are plain data: posted to another thread they read the same, and shared ones are not copied', () => {
    const volume = counted([5, 6, 7], 'PIR', { make: Float32Array });
    for (const shared of [false, true]) {
      for (const name of layoutNames) {
        const layout = layoutOf(volume, name, { shared });
        expect(layout.data.buffer instanceof SharedArrayBuffer).toBe(shared);
        const posted = structuredClone(layout);
        for (const plane of planeNames)
          expect(gathered(posted, plane, 3)).toEqual(gathered(layout, plane, 3));
      }
    }
    expect(layoutOf(volume, 'file').data).toBe(volume.data);
  });

  it('refuse what does not fit', () => {
    const volume = counted([3, 4, 5], 'LPS');
    const layout = layoutOf(volume, 'bricks');
    expect(() => gatherPlane(layout, 'axial', 5, new Int32Array(12))).toThrow(
      'cannot take the axial plane: given index 5, expected a whole number from 0 to 4',
    );
    expect(() => offsetsOf(layout, 'coronal', -1)).toThrow(
      'given index -1, expected a whole number from 0 to 3',
    );
    expect(() => gatherPlane(layout, 'axial', 0.5, new Int32Array(12))).toThrow('given index 0.5');
    expect(() => gatherPlane(layout, 'axial', 0, new Float32Array(12))).toThrow(
      'cannot read the axial plane: given a Float32Array of 12, expected a Int32Array of 3 x 4',
    );
    for (const brick of [0, -8, 2.5, NaN])
      expect(() => layoutOf(volume, 'bricks', { brick })).toThrow(`given an edge of ${brick}`);
    const huge = { ...volume, dims: [2000, 2000, 1000] as Triple };
    expect(() => layoutOf(huge, 'file')).toThrow('given 4000000000 samples, expected fewer than 2147483648');
  });
});
