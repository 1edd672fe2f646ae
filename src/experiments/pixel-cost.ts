// What resizing costs beside the step that it feeds: time measured here, work derived from FLOPs and data sheets.
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { median } from '../base/interval';
import type { CardName } from '../profilers/cards';
import { cards } from '../profilers/cards';
import { encoderFlops } from '../profilers/flops';
import { encoderFlopsAt, nativeSize, pixelWays, wayNames } from '../profilers/pixels';
import { planeGrid, planeNames, readPlane } from '../sampling/plane';
import { fitSquare, toSquare } from '../sampling/square';
import type { Triple, Volume } from '../volume/volume';
import type { Findings } from './findings';

/** The cards the study names, and the fastest one here, where a fixed time weighs most. */
const named = ['t4', 'a100-40', 'h100-80'] as const satisfies readonly CardName[];

/** Milliseconds to resize the three planes of a voxel in each way, into buffers made beforehand. */
export async function findCost(found: Findings, volume: Volume, voxels: Triple[], long: Long): Promise<void> {
  const ways = pixelWays();
  const grids = planeNames.map((name) => planeGrid(volume, name));
  const meter = new Meter('timing the resizing', 'voxels', voxels.length, long);
  const into = new Float32Array(Math.max(...wayNames.map((way) => ways[way].size)) ** 2);
  const runs = wayNames.map((way) => {
    const { size, way: kind, interpolation } = ways[way];
    const fits = grids.map((g) => fitSquare(g.columns.count, g.rows.count, size, kind, interpolation));
    const buffer = into.subarray(0, size * size);
    return (voxel: Triple): number => {
      const planes = grids.map((grid) => Float32Array.from(readPlane(volume, grid, voxel).pixels));
      const begin = performance.now();
      fits.forEach((fit, i) => toSquare(planes[i], fit, buffer));
      return performance.now() - begin;
    };
  });
  // The compiler warms up on the first voxel.
  for (let i = 0; i < 20; i++) runs.forEach((run) => run(voxels[0]));
  const times: number[][] = [];
  for (const voxel of voxels) {
    times.push(runs.map((run) => run(voxel)));
    meter.add(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  meter.finish();
  wayNames.forEach((way, k) => {
    found.observed(
      `time.${way}`,
      `Time to resize the three planes of a voxel on one core of this machine (${ways[way].phrase}), median`,
      'ms',
      times.map((t) => t[k]),
    );
  });
  const ofStudy = times.map((t) => t[wayNames.indexOf('study')] / 1000);
  const step = 3 * encoderFlops('sam-vit-h').adapterStep;
  const bytes = grids.reduce(
    (sum, g) => sum + 4 * (g.columns.count * g.rows.count + ways.study.size ** 2),
    0,
  );
  for (const name of named) {
    const card = cards[name];
    const seconds = step / card.flops.half;
    found.derived(
      `step-time.${name}`,
      `Least time of a three-plane training step with frozen weights and adapters, ${card.name}`,
      's',
      seconds,
      '3 x FLOPs of a step of SAM ViT-H (adapters) / peak 16-bit rate of the data sheet',
    );
    found.observed(
      `time-share.${name}`,
      `Share of a three-plane training step at the peak rate of ${card.name} that resizing on one core of this machine takes`,
      '1',
      ofStudy,
      (rows) => median(rows.map((t) => t / (t + seconds))),
    );
    const onCard = bytes / card.memoryBandwidth;
    found.derived(
      `time-share-on-card.${name}`,
      `Share of a three-plane training step that resizing on ${card.name} itself takes, by the bytes read and written`,
      '1',
      onCard / (onCard + seconds),
      'bytes of three planes and three squares as float32 / peak memory bandwidth of the data sheet',
    );
  }
  for (const way of wayNames) {
    const { encoder, size, phrase } = ways[way];
    const [native, square] = [grids[1].columns.count, grids[1].rows.count];
    found.derived(
      `added-work.${way}`,
      `Share of the encoder's FLOPs that the square input adds to the smallest input holding the plane (${phrase})`,
      '1',
      1 - encoderFlopsAt(encoder, nativeSize(encoder, native, square)) / encoderFlopsAt(encoder, size),
      '1 - FLOPs at the longest side rounded up to whole patches / FLOPs at the published size',
    );
  }
}
