// The executed step on our side, inside a process under a limit of memory: weights from the files, one step by a memory policy,
// and what a comparison with another stack needs.
import path from 'node:path';
import { adam, keepingGradients } from '../backends/optimisers';
import { nodeBackend } from '../backends/capture/binding';
import { tf } from '../backends/tf';
import { eagerStep } from '../backends/eager-step';
import type { Optimiser, Tensors } from '../backends/training-step';
import { flattenTree } from '../backends/training-step';
import { dryRunStep } from '../backends/meta/dry-run';
import type { IntersectionPlan } from '../losses/intersection';
import { intersectionLoss } from '../losses/intersection';
import { segmentationLosses } from '../losses/segmentation';
import { parsePolicy } from '../memory/policy';
import type { PlaneInputs } from '../memory/tri-siamese';
import { triSiameseStepBy } from '../memory/tri-siamese';
import { loadTriSiamese } from '../models/load-tri-siamese';
import type { OfSomePlanes, TriSiamese, TriSiameseParameters } from '../models/tri-siamese';
import { triSiameseSpec } from '../models/tri-siamese';
import { loraSpec } from '../nn/lora';
import { openSafetensors } from '../nn/safetensors';
import type { TensorFile } from '../nn/tensor-source';
import { loadWeights } from '../nn/weights';
import type { LimitedWork } from '../profilers/vram/limited-work';
import { planeNames } from '../sampling/plane';
import type { Drawn } from './executed-step-files';
import { networkOf, sideOf } from './executed-step-files';

/** What a process is asked. */
export interface OurRequest {
  drawn: Drawn;
  folder: string;
  policy: string;
  /** 1 or 3: without the other two a plane has no Eq. 2. */
  planes: 1 | 3;
  /** Blocks whose adapters' gradients are given back. */
  blocks: readonly number[];
}

/** What comes back where the step came to its end; the same of every stack. */
export interface Executed {
  loss: number;
  /** Of the step alone: weights are loaded before. */
  seconds: number;
  /** Adapters' gradients, `31/q/a`: float32 in base64, row order. */
  gradients: Record<string, string>;
  /** Trained tensors, and those of them that have a gradient with a number that is not zero. */
  trained: number;
  withGradient: number;
}

/** Of Eq. 2, as the PyTorch side has it. */
const lambda = 0.1;

export async function ourStep(
  { drawn, folder, policy, planes: count, blocks }: OurRequest,
  { backend, stage }: LimitedWork,
): Promise<Executed> {
  stage('weights');
  const network = networkOf(drawn);
  const parameters = await load(network, folder);
  const inputs = await loadInputs(network, folder, count);
  upload([...Object.values(flattenTree({ ...parameters })), ...Object.values(flattenTree(inputs))]);
  const kept: Tensors = {};
  const step = stepOf({ drawn, policy }, network, parameters, keepingGradients(adam(), kept));
  const running = eagerStep(backend, step as never);
  tf.dispose(flattenTree({ ...parameters }));
  stage('step');
  const began = performance.now();
  const outputs = await running.run(inputs);
  const [loss] = await outputs.loss.data();
  const seconds = (performance.now() - began) / 1000;
  stage('gradients');
  const gradients: Record<string, string> = {};
  let withGradient = 0;
  for (const [name, tensor] of Object.entries(kept)) {
    const values = Float32Array.from(await tensor.data());
    if (values.some((value) => value !== 0)) withGradient++;
    const own = /^adapters\/(\d+)\/(.*)$/.exec(name);
    if (own && blocks.includes(Number(own[1]))) gradients[`${own[1]}/${own[2]}`] = base64(values);
  }
  return { loss, seconds, gradients, trained: Object.keys(kept).length, withGradient };
}

/** The step, of tensors or of shapes. */
const stepOf = <P>(
  { drawn, policy }: Pick<OurRequest, 'drawn' | 'policy'>,
  network: TriSiamese,
  parameters: P,
  optimiser: Optimiser,
) =>
  triSiameseStepBy(parsePolicy(policy), {
    name: `${drawn.model} by ${policy}`,
    network,
    losses: {
      segmentation: segmentationLosses.samed,
      consistency: (logits, lines: IntersectionPlan) => intersectionLoss(logits, lines),
    },
    parameters,
    optimiser,
    lambda,
  });

/** The most bytes of the same step by dry run, weights and all. */
export function dryBytes(request: OurRequest): number {
  const { drawn, planes: count } = request;
  const network = networkOf(drawn);
  const side = sideOf(network);
  const each = (...shape: number[]) =>
    Object.fromEntries(planeNames.slice(0, count).map((name) => [name, { shape }]));
  const reader = { across: { shape: [1, side] } };
  const inputs = {
    planes: each(1, drawn.size, drawn.size, network.encoder.channels),
    labels: each(1, side, side),
    lines: linesOf({ first: reader, second: reader }, count),
  };
  const step = stepOf(request, network, triSiameseSpec(network), adam());
  return dryRunStep(step as never, inputs, { like: 'tensorflow' }).ledger.peak().bytes;
}

/** What is compared: the pairs of Eq. 2, where there are planes to compare. */
const linesOf = <T>(pair: T, count: 1 | 3): Record<string, T> =>
  count === 1 ? {} : { 'axial-coronal': pair, 'axial-sagittal': pair };

const base64 = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

/** Open one of the files, and close it again. */
async function reading<T>(folder: string, name: string, read: (file: TensorFile) => Promise<T>): Promise<T> {
  const file = await openSafetensors(path.join(folder, `${name}.safetensors`));
  try {
    return await read(file);
  } finally {
    await file.close();
  }
}

async function load(network: ReturnType<typeof networkOf>, folder: string): Promise<TriSiameseParameters> {
  const { trained, frozen } = await reading(folder, 'sam', (file) =>
    loadTriSiamese(network, file, { seed: 0 }),
  );
  tf.dispose(flattenTree(trained.adapters));
  const spec = loraSpec(network.encoder, network.lora);
  const adapters = await reading(folder, 'lora', (file) => loadWeights(spec, file));
  return { trained: { ...trained, adapters }, frozen };
}

/** Planes and labels, and the middle line of each plane that meets the axial one. */
function loadInputs(network: TriSiamese, folder: string, count: 1 | 3): Promise<PlaneInputs> {
  return reading(folder, 'inputs', async (file) => {
    const each = async (what: string): Promise<OfSomePlanes> => {
      const entries: [string, tf.Tensor][] = [];
      for (const name of planeNames.slice(0, count)) {
        const key = `${what}/${name}`;
        entries.push([name, tf.tensor(await file.read(key), [...file.shapeOf(key)])]);
      }
      return Object.fromEntries(entries);
    };
    const side = sideOf(network);
    const middle = Float32Array.from({ length: side }, (_, k) => Number(k === side / 2));
    const reader = { across: tf.tensor(middle, [1, side]) };
    return {
      planes: await each('planes'),
      labels: await each('labels'),
      lines: linesOf({ first: reader, second: reader }, count),
    };
  });
}

/** Bring tensors to TensorFlow now, and not when an operation first reads them: then their copies on the host are gone. */
function upload(tensors: readonly tf.Tensor[]): void {
  const kernels = nodeBackend();
  for (const tensor of tensors) kernels.getInputTensorIds([tensor]);
}
