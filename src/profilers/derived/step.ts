// The study's training step in PyTorch, derived from shapes: every tensor of forward and backward pass that autograd's rules ask
// for, when it is made and when it is let go. torch_sam.py is the same step in PyTorch, and tests compare both.
import type { ModelRow } from '../../models/registry';
import { models } from '../../models/registry';
import type { Setting } from '../vram/setting';
import { checkSetting } from '../vram/setting';
import type { Kernel } from './attention';
import { declareDecoder, decode, studyLoss } from './decoder';
import type { EncoderForm } from './encoder';
import { declareEncoder, encode, gridOf } from './encoder';
import { joined } from './operations';
import type { NumbersName } from './precision';
import { numbersOf } from './precision';
import type { Value } from './program';
import { Program, sizeOf } from './program';
import type { KeptBytes, Peak } from './replay';
import { keptBytes, Memory } from './replay';

/** What a step holds. */
export interface DerivedStep {
  /** The most bytes that are alive at one time. */
  readonly peak: Peak;
  /** What is kept when the backward pass begins (of one plane, where planes are differentiated one by one). */
  readonly kept: readonly KeptBytes[];
  /** Parameters, trained and frozen. */
  readonly weightsBytes: number;
  /** Multiply-adds of products and convolutions, of the whole step. */
  readonly macs: number;
}

/** The form of a model's encoder at a size of pictures. */
function formOf(row: ModelRow, size: number): EncoderForm {
  if (row.family === 'sam') {
    const { patchSize: patch, width, depth, heads, hidden, window, globalBlocks, neck } = row.config.encoder;
    const learned = (size / patch) ** 2;
    const own = { positions: 'relative', firstNorm: false } as const;
    return { size, patch, width, depth, heads, hidden, window, globalBlocks, neck, learned, ...own };
  }
  const { patchSize: patch, width, depth, heads, hidden, window, globalBlocks, pretrainedSize } = row.config;
  const learned = (pretrainedSize / patch) ** 2 + 1;
  const own = { neck: 0, positions: 'rotary', firstNorm: true } as const;
  return { size, patch, width, depth, heads, hidden, window, globalBlocks, learned, ...own };
}

/** How attention is computed: what is asked for, else as in the model's own code. */
export function kernelOf({ model, policy, attention }: Setting): Kernel {
  const own = attention ?? (models[model].family === 'sam' ? 'materialised' : 'fused');
  // A fused kernel makes no map that could be made in pieces.
  return policy.includes('chunked') && own !== 'fused' ? 'chunked' : own;
}

/** One pass: images of one plane, or of all, to their masks; to features where there is no decoder. */
function pass(setting: Setting, numbers: NumbersName, apart: boolean): { program: Program; out: Value } {
  const { model, size, batch, views, trained, policy } = setting;
  const row = models[model] as ModelRow;
  const program = new Program(numbersOf[numbers], trained.kind === 'all' ? 'weights' : 'adapters');
  const form = formOf(row, size);
  const encoder = declareEncoder(program, form, {
    all: trained.kind === 'all',
    ...(trained.kind === 'lora' && { lora: trained }),
    kernel: kernelOf(setting),
    recompute: policy.includes('recompute'),
  });
  const decoder =
    row.family === 'sam' && declareDecoder(program, { ...row.config.decoder, grid: gridOf(form) });
  const planes = Array.from({ length: apart ? 1 : views }, () => program.data([batch, size, size, 3]));
  const images = apart ? planes[0] : joined(program, planes, [views * batch, size, size, 3]);
  const out = program.holding(images, () => {
    const features = program.in('encoder', () => encode(program, encoder, images));
    if (!decoder) return features;
    return program.in('head', () => program.holding(features, (held) => decode(program, decoder, held)));
  });
  return { program, out };
}

/**
 * Count a training step.
 * @param numbers  left out, what the setting's precision is on a card
 * @throws InputError for a setting that there is not
 */
export function derivedStep(setting: Setting, numbers: NumbersName = setting.precision): DerivedStep {
  checkSetting(setting);
  const { model, views, policy, optimiser } = setting;
  const apart = policy.includes('per-plane');
  const { program, out } = pass(setting, numbers, apart);
  const memory = new Memory();
  const parameters = program.given.filter(({ storage }) => storage.category !== 'inputs');
  const trainedBytes = sum(parameters.filter((value) => value.parameter));
  for (const { storage } of program.given) memory.give(storage.category, storage.bytes);
  // The other planes wait.
  if (apart)
    memory.give('inputs', (views - 1) * sum(program.given.filter((value) => !parameters.includes(value))));
  const moments = optimiser === 'adam' ? 2 : 0;
  memory.give('optimiser', moments * trainedBytes);

  const judged = models[model].family === 'sam';
  const kept = apart
    ? planesApart(memory, program, out, views, judged)
    : planesTogether(memory, program, out, views, judged);
  // Adam's step over lists of tensors, PyTorch's default on cards, makes the root of every second moment at once.
  if (optimiser === 'adam') memory.moment('update', trainedBytes);
  return { peak: memory.peak, kept, weightsBytes: sum(parameters), macs: memory.macs };
}

const sum = (values: readonly Value[]): number =>
  values.reduce((bytes, { storage }) => bytes + storage.bytes, 0);

/** The masks of each plane. */
const maskShape = (out: Value, planes: number): number[] => [
  out.shape[0] / planes,
  sizeOf(out.shape.slice(1)),
];

/** @param judged  whether there are masks for a loss; else each feature sends a gradient */
function planesTogether(
  memory: Memory,
  program: Program,
  out: Value,
  views: number,
  judged: boolean,
): KeptBytes[] {
  const sends = judged ? lossOf(memory, program, splitMasks(program, out, views)) : out;
  memory.forward(program.steps, true, [sends]);
  memory.send(sends);
  memory.backward(program.steps);
  return keptBytes(program.steps);
}

const splitMasks = (program: Program, out: Value, views: number): Value[] =>
  program.views(out, Array.from({ length: views }, () => maskShape(out, views)), false); // prettier-ignore

/** Write the loss; its labels are there from the beginning. */
function lossOf(memory: Memory, program: Program, masks: readonly Value[]): Value {
  const before = program.given.length;
  const loss = program.in('losses', () => studyLoss(program, masks));
  for (const { storage } of program.given.slice(before)) memory.give(storage.category, storage.bytes);
  return loss;
}

function planesApart(
  memory: Memory,
  program: Program,
  out: Value,
  views: number,
  judged: boolean,
): KeptBytes[] {
  for (let k = 0; k < views; k++) {
    memory.forward(program.steps, false, [out]);
    memory.drop(out.storage);
    memory.give('temporary', out.storage.bytes);
  }
  if (judged) {
    const losses = new Program(program.numbers, 'adapters');
    const shape = maskShape(out, 1);
    const masks = Array.from({ length: views }, () => losses.declare(shape, out.width, 'temporary', true));
    const loss = lossOf(memory, losses, masks);
    memory.forward(losses.steps, true, [loss]);
    memory.send(loss);
    memory.backward(losses.steps);
    memory.drop(loss.storage);
  }
  for (let k = 0; k < views; k++) {
    memory.forward(program.steps, true, [out]);
    memory.send(out);
    memory.backward(program.steps);
    memory.drop(out.storage);
  }
  return keptBytes(program.steps);
}

/** Kept bytes in all, without copies of weights in another precision. */
export const keptActivations = (kept: readonly KeptBytes[]): number =>
  kept.reduce((bytes, each) => (each.reason === 'weights' ? bytes : bytes + each.bytes), 0);
