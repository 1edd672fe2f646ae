// A whole volume, slice by slice along one axis or along three: what a network of planes says of every voxel, and what it costs.
import type { Long } from '../base/progress';
import { Meter } from '../base/progress';
import { inChannels } from '../sampling/channels';
import type { Layout } from '../sampling/layout';
import { gatherPlane, offsetsOf } from '../sampling/layout';
import type { PlaneName } from '../sampling/plane';
import type { Interpolation } from '../sampling/resize';
import { axisMatrix, resize } from '../sampling/resize';
import { fitSquare, toSquare } from '../sampling/square';
import { InputError } from '../base/errors';
import type { VoxelArray } from '../volume/volume';

/** A network of planes, as prediction sees it. */
export interface PlanePredictor {
  /** Samples along each side of its pictures and of its masks. */
  size: number;
  side: number;
  /** Channels of its pictures; the same grey in each. */
  channels: number;
  /** 1: foreground against background. More: classes, 0 is background. */
  classes: number;
  /** Pictures in one call; a last call may be padded with zeros. */
  batch: number;
  /** FLOP of one picture, where known. */
  flops?: number;
  /** @param pictures  [batch, size, size, channels]  @returns logits [batch, side, side, classes] */
  logits(pictures: Float32Array): Promise<Float32Array>;
  /** How images were resized in training. */
  resize: Interpolation;
}

/** What was computed for a prediction. */
export interface PredictionCost {
  slices: number;
  calls: number;
  /** Of the slices; null where the predictor does not say. Padding of a last call is computed as well, and not counted. */
  flop: number | null;
}

/** Probabilities of classes for every voxel: class by class, each in the order of the volume's file. */
export interface Prediction {
  classes: number;
  probabilities: Float32Array;
  cost: PredictionCost;
}

/** Masks come back to the planes as SAM's do: bilinear, half-pixel centres, no antialias. */
const maskResize: Interpolation = { kernel: 'bilinear', convention: 'torch', antialias: false };

/**
 * Predict a volume slice by slice, stretched to the network's square as in training and back.
 * @param image  float32 in file order, mean 0 and deviation 1 (`normalised`)
 * @param along  which planes the slices are
 */
export async function predictAlong(
  image: Layout,
  along: PlaneName,
  predictor: PlanePredictor,
  long: Long = {},
): Promise<Prediction> {
  if (image.name !== 'file')
    throw new InputError({
      what: 'cannot predict a volume',
      given: `its voxels in the order ${image.name}`,
      expected: 'file order, which the probabilities have',
      fix: "make it with layoutOf(volume, 'file')",
    });
  const { size, side, channels, classes, batch } = predictor;
  const { columns, rows, count } = image.grids[along];
  const voxels = image.dims[0] * image.dims[1] * image.dims[2];
  const outputs = Math.max(classes, 2);
  const probabilities = new Float32Array(outputs * voxels);
  const fit = fitSquare(columns.count, rows.count, size, 'stretch', predictor.resize);
  const back = {
    columns: axisMatrix(side, columns.count, maskResize),
    rows: axisMatrix(side, rows.count, maskResize),
  };
  const pixels = new (image.data.constructor as new (length: number) => VoxelArray)(
    columns.count * rows.count,
  );
  const pictures = new Float32Array(batch * size * size * channels);
  const mask = new Float32Array(side * side);
  const planes = Array.from({ length: classes }, () => new Float32Array(columns.count * rows.count));
  const meter = new Meter(`predict ${along} slices`, 'slices', count, long);
  let calls = 0;
  for (let first = 0; first < count; first += batch) {
    const held = Math.min(batch, count - first);
    pictures.fill(0);
    for (let k = 0; k < held; k++) {
      gatherPlane(image, along, first + k, pixels);
      inChannels(toSquare(pixels, fit), channels, pictures, k);
    }
    const logits = await predictor.logits(pictures);
    calls++;
    for (let k = 0; k < held; k++) {
      for (let c = 0; c < classes; c++) {
        for (let i = 0; i < mask.length; i++) mask[i] = logits[(k * mask.length + i) * classes + c];
        resize(mask, back.columns, back.rows, planes[c]);
      }
      const places = offsetsOf(image, along, first + k);
      for (let i = 0; i < places.length; i++) spread(planes, i, probabilities, places[i], voxels);
    }
    meter.add(held);
    // The event loop has its turn: an interrupt is heard.
    await new Promise((resolve) => setImmediate(resolve));
  }
  meter.finish();
  const flop = predictor.flops === undefined ? null : count * predictor.flops;
  return { classes: outputs, probabilities, cost: { slices: count, calls, flop } };
}

/** Logits of one pixel become probabilities of its voxel: softmax of several, sigmoid of one. */
function spread(
  logits: readonly Float32Array[],
  pixel: number,
  into: Float32Array,
  place: number,
  voxels: number,
): void {
  if (logits.length === 1) {
    const foreground = 1 / (1 + Math.exp(-logits[0][pixel]));
    into[place] = 1 - foreground;
    into[voxels + place] = foreground;
    return;
  }
  let most = -Infinity;
  for (const own of logits) most = Math.max(most, own[pixel]);
  let sum = 0;
  for (const own of logits) sum += Math.exp(own[pixel] - most);
  logits.forEach((own, c) => (into[c * voxels + place] = Math.exp(own[pixel] - most) / sum));
}

/**
 * The mean of several predictions of one volume: of its three axes, or of several networks. Costs add up.
 * @throws InputError for none, and for predictions of other voxels or classes
 */
export function averaged(predictions: readonly Prediction[]): Prediction {
  const [first] = predictions;
  if (
    !first ||
    predictions.some(
      ({ classes, probabilities }) =>
        classes !== first.classes || probabilities.length !== first.probabilities.length,
    )
  )
    // prettier-ignore
    throw new InputError({
      what: 'cannot average predictions',
      given: predictions.map(({ classes, probabilities }) => `${classes} classes of ${probabilities.length / classes} voxels`).join(', ') || 'none', // prettier-ignore
      expected: 'one or more of the same volume and classes',
      fix: 'predict the same volume along each axis',
    });
  const probabilities = new Float32Array(first.probabilities.length);
  for (const { probabilities: own } of predictions)
    for (let i = 0; i < own.length; i++) probabilities[i] += own[i] / predictions.length;
  const sum = (of: (cost: PredictionCost) => number): number =>
    predictions.reduce((total, { cost }) => total + of(cost), 0);
  const known = predictions.every(({ cost }) => cost.flop !== null);
  return {
    classes: first.classes,
    probabilities,
    cost: {
      slices: sum(({ slices }) => slices),
      calls: sum(({ calls }) => calls),
      flop: known ? sum(({ flop }) => flop!) : null,
    },
  };
}

/** The likeliest class of every voxel; the lower one where two are as likely. */
export function likeliest({ classes, probabilities }: Prediction): Uint8Array {
  const voxels = probabilities.length / classes;
  const labels = new Uint8Array(voxels);
  for (let c = 1; c < classes; c++)
    for (let i = 0; i < voxels; i++)
      if (probabilities[c * voxels + i] > probabilities[labels[i] * voxels + i]) labels[i] = c;
  return labels;
}
