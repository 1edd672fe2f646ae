// Pixels: what planes cost, gain and lose on their way to a square input (section 4.2 of the study).
//
// Ledgers, FLOPs and kernels are derived. The image's own spectrum, the way back, masks and times are measured on real
// volumes: BraTS FLAIR for images, open-ms lesions for masks, the headers and spectra of six BraTS volumes for the axes.
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { throughDecoder, throughInput } from '../profilers/mask-return';
import type { PixelProfile, WayName } from '../profilers/pixels';
import { pixelWays, profilePixels, wayNames } from '../profilers/pixels';
import { drawVoxels } from '../sampling/draw';
import type { PlaneName } from '../sampling/plane';
import { planeGrid, planeNames, readPlane } from '../sampling/plane';
import { fitSquare } from '../sampling/square';
import type { Triple, Volume } from '../volume/volume';
import { Findings, mean } from './findings';
import { bratsFlair, openHead, openMsFlair, openMsLesions } from './heads';
import { findAxes, otherFlairs } from './pixel-axes';
import { findCost } from './pixel-cost';
import { findKernels, findTransfer, kernels } from './pixel-kernels';
import type { StudyDefinition } from './study';

interface Spec {
  /** Random voxels in the head whose planes are profiled. */
  voxels: number;
  /** Random lesion voxels whose planes' masks are sent to the square and back. */
  masks: number;
  /** Random voxels whose planes are resized against the clock. */
  timings: number;
  /** Every so-many-th line of a volume is looked at for the spectra of the axes. */
  every: number;
  seed: number;
}

export const pixels: StudyDefinition<Spec> = {
  id: 'pixels',
  title: 'From a plane to a square input and back',
  module: 'experiments/pixels',
  name: 'pixels',
  needs: [bratsFlair, ...otherFlairs, openMsFlair, openMsLesions],
  specs: {
    tiny: { voxels: 1, masks: 2, timings: 3, every: 12, seed: 1 },
    quick: { voxels: 8, masks: 12, timings: 60, every: 4, seed: 1 },
    full: { voxels: 60, masks: 400, timings: 400, every: 1, seed: 1 },
  },
  cost: { quick: { seconds: 35, memoryGiB: 0.8 }, full: { seconds: 400, memoryGiB: 0.8 } },
  timed: true,
  async run(spec, long) {
    const found = new Findings('pixels', spec.seed);
    const head = await openHead(bratsFlair, long);
    const lesions = await openHead(openMsFlair, long, openMsLesions);
    const voxels = voxelsInHead(head.volume, Math.max(spec.voxels, spec.timings), spec.seed);
    findKernels(found);
    const profiles: PixelProfile[][] = [];
    const meter = new Meter('profiling pixels', 'voxels', spec.voxels, long);
    for (const voxel of voxels.slice(0, spec.voxels)) {
      profiles.push(profilePixels(head.volume, { voxel }));
      meter.add(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    meter.finish();
    findLedgers(found, profiles[0]);
    findLosses(found, profiles);
    findMasks(found, lesions.labels!, spec, long);
    await findCost(found, head.volume, voxels.slice(0, spec.timings), long);
    const others = await findAxes(found, head, spec, long);
    findTransfer(found, coronals(head.volume, voxels.slice(0, spec.voxels)));
    tabulate(found);
    const ledger = {
      planes: profiles[0].filter((p) => p.way === 'study').map((p) => [p.plane, p.width, p.height]),
      ways: wayNames.map((way) => ({ way, title: pixelWays()[way].title, size: pixelWays()[way].size })),
    };
    found.figure('ledger', 'What a square input is made of', 'pixel-ledger', ledger, 'derived');
    return {
      findings: found.all,
      inputs: [...head.inputs, ...others.inputs, ...lesions.inputs],
      notes: [...head.notes, ...others.notes, ...lesions.notes],
      seed: spec.seed,
    };
  },
};

/** Random voxels that are not background. */
function voxelsInHead(volume: Volume, n: number, seed: number): Triple[] {
  const background = volume.data[0];
  const inside = Uint8Array.from(volume.data, (v) => (v === background ? 0 : 1));
  const foreground = { data: inside, dims: volume.dims };
  return drawVoxels(volume.dims, n, { seed, foreground, foregroundShare: 1 }).voxels;
}

function coronals(
  volume: Volume,
  voxels: Triple[],
): { pixels: ArrayLike<number>; width: number; height: number }[] {
  const grid = planeGrid(volume, 'coronal');
  return voxels.map((voxel) => ({
    pixels: readPlane(volume, grid, voxel).pixels,
    width: grid.columns.count,
    height: grid.rows.count,
  }));
}

/** What sizes alone say: shares, FLOPs for a pixel, the shape of a pixel after stretching. */
function findLedgers(found: Findings, profiles: PixelProfile[]): void {
  const ways = pixelWays();
  for (const p of profiles) {
    const of = `${p.plane} plane of ${p.width} x ${p.height} in ${ways[p.way].phrase}`;
    const id = `${p.way}.${p.plane}`;
    for (const part of ['original', 'interpolated', 'padded'] as const) {
      const title = `Share of ${part} samples, ${of}`;
      found.derived(`${part}.${id}`, title, '1', p.shares[part], `${part} samples / ${p.size}²`);
    }
    found.derived(
      `samples.${id}`,
      `Samples of the square for one pixel, ${of}`,
      '1',
      p.samplesPerPixel,
      'size² / pixels',
    );
    found.derived(
      `flops.${id}`,
      `FLOPs of the encoder for one pixel, ${of}`,
      'MFLOP',
      p.flopsPerPixel / 1e6,
      'FLOPs of one forward pass (FLOP = 2 MAC) / pixels',
    );
    found.derived(
      `aspect.${id}`,
      `Longer over shorter spacing of the samples, ${of}`,
      '1',
      p.spacing.aspect,
      'spacing x pixels / samples along each axis',
    );
  }
  const share = (plane: PlaneName): number =>
    profiles.find((p) => p.way === 'study' && p.plane === plane)!.shares.interpolated;
  for (const plane of ['coronal', 'sagittal'] as const) {
    found.derived(
      `interpolated-excess.${plane}`,
      `Interpolated share of the ${plane} square over that of the axial one, less 1 (${ways.study.phrase})`,
      '1',
      share(plane) / share('axial') - 1,
      `share (${plane}) / share (axial) - 1`,
    );
  }
}

/** What the image loses and gains in its own spectrum, and how it comes back. */
function findLosses(found: Findings, profiles: PixelProfile[][]): void {
  const ways = pixelWays();
  for (const way of wayNames)
    for (const plane of planeNames) {
      const of = `${plane} planes in ${ways[way].phrase}`;
      const rows = profiles.map((all) => all.find((p) => p.way === way && p.plane === plane)!);
      const average = (id: string, title: string, value: (p: PixelProfile) => number): void =>
        found.observed(`${id}.${way}.${plane}`, `${title}, ${of}, mean`, '1', rows.map(value), mean);
      average('energy-lost', "Share of the image's energy that the kernel takes away", (p) => p.energy.lost);
      average(
        'energy-images',
        'Energy that the kernel adds above the Nyquist frequency',
        (p) => p.energy.images,
      );
      average(
        'energy-halved',
        "Share of the image's energy at frequencies that lose 3 dB or more",
        (p) => p.energy.halved,
      );
      average(
        'detail-lost',
        'Share of the energy above half the Nyquist frequency that the kernel takes away',
        (p) => p.energy.detailLost,
      );
      if (rows.some((p) => p.returned === null)) continue;
      found.observed(
        `returned.${way}.${plane}`,
        `Largest error of the image computed back by least squares, as a share of its range, ${of}`,
        '1',
        rows.map((p) => p.returned!.leastSquares),
        (values) => values.reduce((a, b) => Math.max(a, b)),
      );
      average(
        'returned-8bit',
        'Error of the image computed back from 8-bit samples, root mean square over its range',
        (p) => p.returned!.leastSquares8Bit,
      );
      average(
        'rounded-8bit',
        'Error of rounding the image itself to 8 bits, root mean square over its range',
        (p) => p.returned!.rounding8Bit,
      );
      average(
        'resized-back',
        'Error of resizing back with the same kernel, root mean square over its range',
        (p) => p.returned!.resizedBack,
      );
    }
}

/** Masks of real lesions to the square and back: the Dice that no model can exceed. */
function findMasks(found: Findings, labels: Volume, { masks, seed }: Spec, long: Long): void {
  const { voxels } = drawVoxels(labels.dims, masks, { seed, foreground: labels, foregroundShare: 1 });
  const ways = pixelWays();
  const meter = new Meter('masks there and back', 'planes', planeNames.length, long);
  for (const plane of planeNames) {
    const grid = planeGrid(labels, plane);
    const [width, height] = [grid.columns.count, grid.rows.count];
    const slices = voxels.map((voxel) =>
      Float32Array.from(readPlane(labels, grid, voxel).pixels, (v) => Number(v > 0)),
    );
    for (const way of wayNames) {
      const { size, way: kind, phrase } = ways[way];
      const of = `lesion masks on ${plane} planes in ${phrase}`;
      for (const { id, interpolation } of kernels.slice(0, 3)) {
        const fit = fitSquare(width, height, size, kind, interpolation);
        const dice = slices.map(throughInput(fit, interpolation));
        const name = `Dice after the way to the square and back (${interpolation.kernel}), ${of}, mean`;
        found.observed(`dice.${way}.${id}.${plane}`, name, '1', dice, mean);
      }
      // The grid of SAM's decoder; SAM 3 draws its masks otherwise.
      if (ways[way].encoder !== 'sam-vit-h') continue;
      const fit = fitSquare(width, height, size, kind, ways[way].interpolation);
      const dice = slices.map(throughDecoder(fit));
      found.observed(
        `dice-decoder.${way}.${plane}`,
        `Dice that the grid of SAM's decoder allows at best, ${of}, mean`,
        '1',
        dice,
        mean,
      );
    }
    meter.add(1, plane);
  }
  meter.finish();
}

/** One row a plane and way. */
function tabulate(found: Findings): void {
  const ways = pixelWays();
  const kernelOf = (way: WayName): string => ways[way].interpolation.kernel;
  found.table('table', 'Three planes, three ways to a square', 'measured', {
    columns: [
      { key: 'way', title: 'Way', align: 'left' },
      { key: 'plane', title: 'Plane', align: 'left' },
      { key: 'original', title: 'Original', unit: '%', digits: 1 },
      { key: 'interpolated', title: 'Interpolated', unit: '%', digits: 1 },
      { key: 'padded', title: 'Padded', unit: '%', digits: 1 },
      { key: 'flops', title: 'MFLOP a pixel', digits: 1 },
      { key: 'lost', title: 'Energy lost', unit: '%', digits: 2 },
      { key: 'returned', title: 'Error of the return', unit: 'ppm', digits: 3 },
      { key: 'dice', title: 'Dice there and back', digits: 4 },
    ],
    rows: wayNames.flatMap((way) =>
      planeNames.map((plane) => {
        const value = (name: string, times = 1): number => times * found.value(`${name}.${plane}`);
        return {
          way: ways[way].title,
          plane,
          original: value(`original.${way}`, 100),
          interpolated: value(`interpolated.${way}`, 100),
          padded: value(`padded.${way}`, 100),
          flops: value(`flops.${way}`),
          lost: value(`energy-lost.${way}`, 100),
          returned: value(`returned.${way}`, 1e6),
          dice: value(`dice.${way}.${kernelOf(way)}`),
        };
      }),
    ),
  });
}
