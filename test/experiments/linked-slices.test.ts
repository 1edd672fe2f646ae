// From a volume to linked planes: every picture and every sample against the voxel that it says it is.
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { linkedSlices, resizingsTo } from '../../src/experiments/linked-slices';
import { linkedPlanes } from '../../src/experiments/linked-planes';
import { checkLinkedPlanes } from '../../src/results/linked-check';
import { pixelOfSample, voxelAt } from '../../src/results/linked-geometry';
import type { LinkedPlanes } from '../../src/results/linked-planes';
import type { Triple, Volume } from '../../src/volume/volume';
import { volumeOf } from '../../src/volume/volume';
import { affineOf, counted, orientations, placeInFile } from '../sampling/volumes';

const words = {
  source: { title: 'counted voxels', licence: 'CC0', synthetic: true },
  values: { title: 'Index', unit: '' },
};
const greys = (png: string): number[] => {
  const { data } = PNG.sync.read(Buffer.from(png, 'base64'));
  return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
};

describe('linked planes of a volume', () => {
  it('hold the voxels they name, in pictures, masks and lines, in all 48 orientations', () => {
    const dims: Triple = [5, 4, 6];
    for (const codes of orientations) {
      const volume = counted(dims, codes, { make: Float32Array });
      const labels: Volume = { ...volume, data: Uint8Array.from(volume.data, (v) => v % 3) };
      const voxel: Triple = [4, 0, 3];
      const data = linkedSlices(volume, voxel, words, { labels });
      expect(checkLinkedPlanes(JSON.parse(JSON.stringify(data)), codes)).toEqual(data);
      const { black, white } = data.window;
      for (const p of data.planes) {
        expect(voxelAt(p, ...p.crosshair)).toEqual(voxel);
        const [pixels, mask] = [greys(p.png), greys(p.maskPng!)];
        pixels.forEach((grey, i) => {
          const value = volume.data[placeInFile(volume, voxelAt(p, i % p.width, Math.floor(i / p.width)))];
          const share = Math.min(1, Math.max(0, (value - black) / (white - black)));
          expect(grey).toBe(Math.round(255 * share));
          expect(mask[i]).toBe(value % 3);
        });
      }
      for (const line of data.lines) {
        const first = data.planes.find((p) => p.name === line.planes[0])!;
        const index = Array.from({ length: line.count }, (_, i) =>
          placeInFile(volume, voxelAt(first, ...pixelOfSample(line, 0, i))),
        );
        expect(line.profiles.stored).toEqual([index, index]);
        expect(line.labels![1]).toEqual(index.map((v) => v % 3));
      }
    }
  });

  it('write each float32 so that it is read back bit for bit', () => {
    const data = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i) / 3);
    data[7] = NaN;
    const volume = volumeOf(data, [5, 4, 3], affineOf('RAS', [1, 1, 1]));
    const { lines } = linkedSlices(volume, [2, 1, 0], words);
    const back = [...lines[0].profiles.stored[0]].map((v) => (v === null ? NaN : Math.fround(v))).reverse();
    expect(back).toEqual([...data.subarray(5, 10)]);
    expect(JSON.stringify(lines[0].profiles.stored)).not.toMatch(/\d{11}/);
  });

  it('agree after taking nearest samples, and not after mixing them', () => {
    const data = Float32Array.from({ length: 12 * 9 * 7 }, (_, i) => (i * 7919) % 101);
    const volume = volumeOf(data, [12, 9, 7], affineOf('LPS', [1, 1, 2]));
    const { lines, signals } = linkedSlices(volume, [6, 4, 3], words, { resizings: resizingsTo(64) });
    const largest = (key: string): number =>
      Math.max(
        ...lines.flatMap((l) => l.profiles[key][0].map((v, i) => Math.abs(v! - l.profiles[key][1][i]!))),
      );
    expect(signals.map((s) => s.key)).toEqual([
      'stored',
      'stretch-64-nearest',
      'stretch-64-bilinear',
      'stretch-64-bicubic',
      'pad-64-bilinear',
    ]);
    expect(largest('stored')).toBe(0);
    expect(largest('stretch-64-nearest')).toBe(0);
    for (const key of ['stretch-64-bilinear', 'stretch-64-bicubic', 'pad-64-bilinear'])
      expect(largest(key)).toBeGreaterThan(0.1);
  });

  it('refuse a mask that does not fit', () => {
    const volume = counted([5, 4, 6], 'LPS');
    const over = (labels: Volume) => () => linkedSlices(volume, [0, 0, 0], words, { labels });
    expect(over(counted([5, 4, 5], 'LPS'))).toThrow(
      "given a mask of 5 x 4 x 5 voxels, LPS, expected the image's grid: 5 x 4 x 6, LPS",
    );
    expect(over(counted([5, 4, 6], 'RPS'))).toThrow(
      'given a mask of 5 x 4 x 6 voxels, RPS, elsewhere in the world',
    );
    expect(over(volume)).not.toThrow();
    expect(over({ ...volume, data: Float32Array.from(volume.data, (v) => v / 2) })).toThrow(
      'given the value 0.5 in the mask, expected whole numbers from 0 (background) to 255',
    );
    expect(over({ ...volume, data: Int16Array.from(volume.data, (v) => 3 * v) })).toThrow('the value 258');
    expect(() => linkedSlices(volume, [5, 0, 0], words)).toThrow('given voxel (5, 0, 0)');
  });
});

describe('the study of linked planes', () => {
  it('gives a figure and a table that say the same', async () => {
    const { findings } = await linkedPlanes.run(linkedPlanes.specs.tiny, {});
    const data = checkLinkedPlanes(findings[0].figure!.data, 'the study') satisfies LinkedPlanes;
    const { rows } = findings[1].table!;
    expect(rows.map((r) => r.picture)).toEqual(data.signals.map((s) => s.title));
    const shared = data.lines.reduce((sum, l) => sum + l.count, 0);
    expect(rows[0]).toMatchObject({ shared, equal: shared, mean: 0, largest: 0 });
    // Bilinear: something is left, and it is a part of the window.
    expect(rows[2].largest).toBeGreaterThan(0);
    expect(rows[2].largest).toBeLessThan(100);
    expect(rows[2].equal).toBeLessThan(shared);
  });
});
