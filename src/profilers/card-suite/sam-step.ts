// A training step of SAM by our code, in a process of its own: weights by formula, then a few steps by a memory policy or as a graph.
import { captureStep } from '../../backends/capture/capture';
import { nodeBackend } from '../../backends/capture/binding';
import type { Backend } from '../../backends/backend';
import { firstCard } from '../../backends/card';
import { eagerStep } from '../../backends/eager-step';
import { adam } from '../../backends/optimisers';
import { tf } from '../../backends/tf';
import { flattenTree } from '../../backends/training-step';
import type { IntersectionPlan } from '../../losses/intersection';
import { intersectionLoss } from '../../losses/intersection';
import { segmentationLosses } from '../../losses/segmentation';
import { tape } from '../../memory/policy';
import type { PlaneNetwork, PlaneParameters } from '../../memory/network-parts';
import { planeNetworkSpec } from '../../memory/network-parts';
import type { PlaneInputs } from '../../memory/tri-siamese';
import { triSiameseStepBy } from '../../memory/tri-siamese';
import { gridOf } from '../../models/sam/config';
import type { ParameterTree } from '../../nn/parameters';
import { mapParameters } from '../../nn/parameters';
import { planeNames } from '../../sampling/plane';
import { announceUploads, exhaustion } from '../vram/limited-work';
import { dryRunsOf } from '../vram/dry-runs';
import { readingOf } from '../vram/dry-reading';
import { networkOf } from '../vram/step';
import type { SamReading, SamResult, SamTask } from './sam';
import { policyOf, refusalOf, roomUnit, samEnd, samReading, samReadings, settingOf, stepsOf } from './sam';
import { discNumbers, pictureSpread, spreadNumbers, spreadTensors } from './sam-numbers';

/** Of Eq. 2, as torch_sam.py has it. */
const lambda = 0.1;
const learningRate = 1e-3;
/** Pictures are tensors of their own: the table is begun elsewhere than for weights. */
const firstPicture = 1000;

const sideOf = ({ encoder }: PlaneNetwork): number => 4 * gridOf(encoder);

/** To the device at once, so that no copy stays on the host. */
function uploaded(tensor: tf.Tensor): tf.Tensor {
  if (tf.getBackend() === 'tensorflow') nodeBackend().getInputTensorIds([tensor]);
  return tensor;
}

/** Planes, labels, and the middle line of each plane that meets the axial one. */
function inputsOf(network: PlaneNetwork, { size, planes }: SamReading): PlaneInputs {
  const side = sideOf(network);
  const names = planeNames.slice(0, planes);
  const { channels } = network.encoder;
  const each = (values: (nth: number) => Float32Array, shape: number[]): Record<string, tf.Tensor> =>
    Object.fromEntries(names.map((name, nth) => [name, uploaded(tf.tensor(values(nth), shape))]));
  const middle = Float32Array.from({ length: side }, (_, k) => Number(k === side / 2));
  const reader = { across: uploaded(tf.tensor(middle, [1, side])) as tf.Tensor2D };
  const pair = { first: reader, second: reader };
  const lines: IntersectionPlan = planes === 1 ? {} : { 'axial-coronal': pair, 'axial-sagittal': pair };
  return {
    planes: each(
      (nth) => spreadNumbers(size * size * channels, pictureSpread(firstPicture + nth)),
      [1, size, size, channels],
    ),
    labels: each((nth) => discNumbers(side, nth), [1, side, side]),
    lines,
  };
}

/** The study's network with the weights that PyTorch is given, too. */
function parametersOf(network: PlaneNetwork): PlaneParameters {
  const tensors = new Map(spreadTensors(network).map((tensor) => [tensor.path, tensor]));
  const spec: ParameterTree = planeNetworkSpec(network);
  return mapParameters(spec, ({ shape, size }, path) =>
    tf.keep(uploaded(tf.tensor(spreadNumbers(size, tensors.get(path)!), [...shape]))),
  ) as unknown as PlaneParameters;
}

/** What torch_sam_step.py is told of a reading. */
export function torchSamRequest(reading: SamReading): object {
  const network = networkOf(settingOf(reading));
  const { encoder, head } = network;
  const { decoder } = head.inSam!.config;
  return {
    id: reading.id,
    planes: reading.planes,
    checkpointed: reading.way === 'checkpointed',
    limitBytes: reading.limitBytes,
    rank: network.lora!.rank,
    learningRate,
    firstPicture,
    form: {
      size: reading.size,
      patch: encoder.patchSize,
      width: encoder.width,
      depth: encoder.depth,
      heads: encoder.heads,
      hidden: encoder.hidden,
      window: encoder.window,
      whole: encoder.globalBlocks,
      neck: encoder.neck,
      decoder_heads: decoder.heads,
      decoder_hidden: decoder.hidden,
    },
    // Short: it is one argument of a process.
    tensors: spreadTensors(network).map(({ name, centre, half, axes }) => [name, centre, half, axes ?? null]),
  };
}

/** The most bytes of a reading's step by dry run, which has another loss; those of all readings are found at once, and kept. */
async function dryBytesOf(reading: SamReading, rehearse: boolean): Promise<number | null> {
  if (policyOf(reading) === undefined) return null;
  const all = samReadings(rehearse, 'ours', 'sam times').filter((one) => policyOf(one) !== undefined);
  const runs = await dryRunsOf(all.map((one) => ({ setting: settingOf(one), batch: 1 })));
  const same = all.findIndex(
    ({ model, planes, way }) => model === reading.model && planes === reading.planes && way === reading.way,
  );
  return readingOf(runs[same], reading.model).need(1).peakBytes;
}

/** Bytes of the first card; null where there is none. */
async function cardBytes(): Promise<number | null> {
  const card = await firstCard();
  return card ? card.memoryMiB * 2 ** 20 : null;
}

/** Run a step some times, the first by itself. */
async function run(backend: Backend, reading: SamReading, steps: number): Promise<SamResult> {
  const network = networkOf(settingOf(reading));
  const inputs = inputsOf(network, reading);
  const parameters = parametersOf(network);
  const definition = triSiameseStepBy(policyOf(reading) ?? tape, {
    name: reading.id,
    network,
    losses: {
      segmentation: segmentationLosses.samed,
      consistency: (logits, lines: IntersectionPlan) => intersectionLoss(logits, lines),
    },
    parameters,
    optimiser: adam({ learningRate }),
    lambda,
  });
  const began = performance.now();
  const step =
    reading.way === 'captured'
      ? await captureStep(backend, definition as never, { inputs: inputs })
      : eagerStep(backend, definition as never);
  tf.dispose(flattenTree(parameters));
  const losses: number[] = [];
  const lossOf = async (): Promise<void> => {
    const outputs = await step.run(inputs);
    losses.push((await outputs.loss.data())[0]);
    tf.dispose(outputs);
  };
  await lossOf();
  const firstSeconds = (performance.now() - began) / 1000;
  const seconds: number[] = [];
  while (losses.length < steps) {
    const start = performance.now();
    await lossOf();
    seconds.push((performance.now() - start) / 1000);
  }
  return { end: 'done', message: '', seconds, firstSeconds, losses, dryBytes: null, peakBytes: null };
}

/** Runs readings by their ids; what is out of memory is an answer, any other error is thrown. */
export function samRunner({
  rehearse,
  task,
}: {
  rehearse: boolean;
  task: SamTask;
}): (backend: Backend, id: string) => Promise<SamResult> {
  return async (backend, id) => {
    // TensorFlow is open by now, and has told its limit.
    if (id === roomUnit) return samEnd('done', '');
    const reading = samReading(rehearse, 'ours', id)!;
    const dryBytes = await dryBytesOf(reading, rehearse);
    // A rehearsal has time: there what does not fit is run, and shows how that ends.
    const haveBytes = rehearse ? null : (reading.limitBytes ?? (await cardBytes()));
    const refusal = dryBytes === null ? undefined : refusalOf(dryBytes, haveBytes);
    if (refusal !== undefined) return samEnd('not run', refusal, dryBytes);
    if (task === 'sam memory' && backend.name === 'tensorflow') announceUploads();
    try {
      return { ...(await run(backend, reading, stepsOf(rehearse, task))), dryBytes };
    } catch (error) {
      const said = exhaustion(error);
      if (said === undefined) throw error;
      return samEnd('out of memory', said.split('\n')[0], dryBytes);
    }
  };
}
