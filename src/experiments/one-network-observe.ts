// What is observed of the running network: Eq. 1, the adapters before and after some steps, and which lines Eq. 2 pulls at.
// Loads TensorFlow.js: import this file lazily.
import { eagerStep } from '../backends/eager-step';
import { adam } from '../backends/optimisers';
import { tf } from '../backends/tf';
import type { TensorTree } from '../backends/training-step';
import { flattenTree, unflattenTree } from '../backends/training-step';
import type { PairName } from '../losses/intersection';
import { allPairs, intersectionLoss, pairsOfEq2 } from '../losses/intersection';
import { imageEncoder } from '../models/sam/image-encoder';
import type { TriSiameseParameters } from '../models/tri-siamese';
import { triSiameseStep } from '../models/tri-siamese';
import { mergeLora, unmergeLora } from '../nn/lora';
import { planeNames } from '../sampling/plane';
import type { Values } from './compare-values';
import { count, largest, lengthOf, minus, only, plus, relativeDifference } from './compare-values';
import type { Drawn } from './small-network';
import { isMatrix, numbersOf, perPlane, SmallNetwork } from './small-network';

/** lambda of Eq. 2 in the steps that are trained. */
const lambda = 0.1;

/** Eq. 1: differences are relative to the largest number, of the gradient to its length. */
export interface EquationObserved {
  /** Two planes swapped: their masks swapped. */
  swap: number;
  /** The same two masks without swapping: what a network that ignored its input would not have. */
  apart: number;
  /** Three planes in one batch against three calls. */
  calls: number;
  /** The gradient of three planes against the sum of what each sends. */
  gradientSum: number;
}

/** The adapters and the frozen weights; all but shares and relative differences are largest absolute numbers. */
export interface TrainingObserved {
  trained: number;
  frozen: number;
  /** Of the trained: those that belong neither to the adapters nor to the head. */
  elsewhere: number;
  /** Masks with adapters less those without, before the first step. */
  start: number;
  gradientA: number;
  gradientB: number;
  firstStepA: number;
  firstStepB: number;
  lastStepA: number;
  lastStepB: number;
  frozenChange: number;
  /** Shares of the trained numbers that are not what they were. */
  movedAdapters: number;
  movedHead: number;
  /** Features after the steps against those before, relative in length. */
  featuresChange: number;
  /** The same with the adapters taken away, absolute. */
  featuresWithout: number;
  /** Features of merged weights against those of weights and adapters, relative. */
  merge: number;
  unmerge: number;
  lossBefore: number;
  lossAfter: number;
}

/** Of the pixels on a pair's line, and on no other: the share that a loss has a gradient at. */
export type Pulls = Record<'eq2' | 'all', Record<PairName, number>>;

export type Observation = EquationObserved & TrainingObserved & { pulls: Pulls };

/** Everything at one draw. */
export async function observe(
  backend: ConstructorParameters<typeof SmallNetwork>[0],
  drawn: Drawn,
  { model, steps }: { model: ConstructorParameters<typeof SmallNetwork>[2]; steps: number },
): Promise<Observation> {
  const small = new SmallNetwork(backend, drawn, model);
  try {
    const noisy = small.weights(false).tensors;
    const equation = await observeEquation(small, noisy);
    const pulls = await observePulls(small, noisy);
    tf.dispose(noisy as unknown as tf.TensorContainer);
    return { ...equation, ...(await observeTraining(small, steps)), pulls };
  } finally {
    small.dispose();
  }
}

async function observeEquation(small: SmallNetwork, at: TriSiameseParameters): Promise<EquationObserved> {
  const { planes } = small;
  const masks = await small.read('three planes', () => small.masks(at));
  const turned = await small.read('two planes swapped', () =>
    small.masks(at, { ...planes, axial: planes.coronal, coronal: planes.axial }),
  );
  const back = { axial: turned.coronal, coronal: turned.axial, sagittal: turned.sagittal };
  const alone = await small.read('planes one by one', () => perPlane((name) => small.mask(at, planes[name])));
  const together = await small.gradient('the gradient of three planes', at, (own) => small.segmentation(own));
  const sent: Values[] = [];
  for (const name of planeNames)
    sent.push(
      await small.gradient(`the gradient of the ${name} plane`, at, (own) =>
        small.share(small.mask(own, planes[name]), name),
      ),
    );
  return {
    swap: relativeDifference(back, masks),
    apart: relativeDifference({ m: masks.coronal }, { m: masks.axial }),
    calls: relativeDifference(alone, masks),
    gradientSum: lengthOf(minus(sent.reduce(plus), together)) / lengthOf(together),
  };
}

async function observeTraining(small: SmallNetwork, steps: number): Promise<TrainingObserved> {
  const { planes, network } = small;
  const { tensors: given, values } = small.weights(true);
  const masks = (adapted: boolean) => (): TensorTree =>
    perPlane((name) => small.mask(given, planes[name], adapted));
  const start = largest(
    minus(await small.read('with adapters', masks(true)), await small.read('without', masks(false))),
  );
  const gradient = await small.gradient('the first gradient', given, (own) => small.segmentation(own));
  const features = (of: TriSiameseParameters, adapted: boolean): Promise<Values> =>
    small.read('features', () => perPlane((name) => small.features(of, planes[name], adapted)));
  const [before, plainBefore] = [await features(given, true), await features(given, false)];

  const { afterOne, after, losses } = await train(small, given, steps);
  const of = (all: Values, part: 'trained' | 'frozen'): Values =>
    only(all, (path) => path.startsWith(`${part}/`));
  const began = of(values, 'trained');
  const trained = unflattenTree({ trained: given.trained }, tensorsOf(after, given.trained)).trained;
  const now = { trained, frozen: given.frozen };
  const [learnt, plainAfter] = [await features(now, true), await features(now, false)];

  const { blocks } = given.frozen.encoder;
  const merged = mergeLora(blocks, trained.adapters, network.lora);
  const apart = unmergeLora(merged, trained.adapters, network.lora);
  const inOne = await small.read('features of merged weights', () =>
    perPlane((name) =>
      imageEncoder({ ...given.frozen.encoder, blocks: merged }, planes[name], network.encoder),
    ),
  );
  const weightsOf = (own: readonly { qkv: { weight: tf.Tensor } }[]): Promise<Values> =>
    numbersOf(own.map(({ qkv }) => qkv.weight));
  const unmerge = relativeDifference(await weightsOf(apart), await weightsOf(blocks));
  const frozenAfter = of(await numbersOf(given as unknown as TensorTree), 'frozen');
  tf.dispose([merged, apart].flatMap((own) => own.map(({ qkv }) => qkv.weight)));
  tf.dispose([given, trained] as unknown as tf.TensorContainer);

  const moved = (now: Values, which: 'a' | 'b'): number =>
    largest(only(minus(now, began), (path) => isMatrix(which, path)));
  const movedShare = (part: 'adapters' | 'head'): number => {
    const own = only(minus(after, began), (path) => path.startsWith(`trained/${part}/`));
    return count(own, 'not zero') / count(own);
  };
  const steepest = (which: 'a' | 'b'): number => largest(only(gradient, (path) => isMatrix(which, path)));
  return {
    trained: count(began),
    frozen: count(of(values, 'frozen')),
    elsewhere: count(only(began, (path) => !/^trained\/(adapters|head)\//.test(path))),
    start,
    gradientA: steepest('a'),
    gradientB: steepest('b'),
    firstStepA: moved(afterOne, 'a'),
    firstStepB: moved(afterOne, 'b'),
    lastStepA: moved(after, 'a'),
    lastStepB: moved(after, 'b'),
    frozenChange: largest(minus(frozenAfter, of(values, 'frozen'))),
    movedAdapters: movedShare('adapters'),
    movedHead: movedShare('head'),
    featuresChange: lengthOf(minus(learnt, before)) / lengthOf(before),
    featuresWithout: largest(minus(plainAfter, plainBefore)),
    merge: relativeDifference(inOne, learnt),
    unmerge,
    lossBefore: losses[0],
    lossAfter: losses[steps],
  };
}

/** Values as tensors like those of a tree `trained`. */
function tensorsOf(values: Values, like: TriSiameseParameters['trained']): Record<string, tf.Tensor> {
  const shapes = flattenTree({ trained: like });
  return Object.fromEntries(
    Object.entries(shapes).map(([path, { shape }]) => [
      path,
      tf.tensor(Float32Array.from(values[path]), shape),
    ]),
  );
}

/** Steps of the study's training: L_seg and Eq. 2, Adam. The losses are those before each step and after the last. */
async function train(
  small: SmallNetwork,
  parameters: TriSiameseParameters,
  steps: number,
): Promise<{ afterOne: Values; after: Values; losses: number[] }> {
  const { planes, truth: labels, network, losses: put, backend } = small;
  const lines = small.plan(pairsOfEq2);
  const name = 'the study at the size of a laptop';
  const step = eagerStep(
    backend,
    triSiameseStep({ name, network, losses: put, parameters, optimiser: adam(), lambda }),
  );
  const state = async (): Promise<Values> => {
    const tensors = await step.read();
    const numbers = await numbersOf(tensors);
    tf.dispose(tensors);
    return only(numbers, (path) => path.startsWith('trained/'));
  };
  const losses: number[] = [];
  const states: Values[] = [];
  // One step more tells the loss after the last; what it learns is not looked at.
  for (let k = 0; k <= steps; k++) {
    const outputs = await step.run({ planes, labels, lines });
    losses.push((await outputs.loss.data())[0]);
    tf.dispose(outputs);
    if (k === 0 || k === steps - 1) states.push(await state());
  }
  step.dispose();
  tf.dispose(lines);
  return { afterOne: states[0], after: states.at(-1)!, losses };
}

/** The gradient of Eq. 2 by the network's own masks, along the line of each pair. */
async function observePulls(small: SmallNetwork, at: TriSiameseParameters): Promise<Pulls> {
  const logits = await small.backend.step('masks', () => small.masks(at));
  const by = async (pairs: readonly PairName[]): Promise<Values> => {
    const plan = small.plan(pairs);
    const gradient = await small.read('the gradient of Eq. 2 by masks', () => {
      const of = tf.grads((axial: tf.Tensor, coronal: tf.Tensor, sagittal: tf.Tensor) => {
        const loss = intersectionLoss({ axial, coronal, sagittal }, plan);
        // A pair leaves one plane out, whose gradient is to be zero and not missing.
        return tf.add(loss, tf.mul(tf.addN([axial, coronal, sagittal].map((x) => tf.sum(x))), 0));
      })(planeNames.map((name) => logits[name]));
      return Object.fromEntries(planeNames.map((name, k) => [name, of[k]]));
    });
    tf.dispose(plan);
    return gradient;
  };
  const alone = new Map<PairName, Values>();
  for (const pair of allPairs) alone.set(pair, await by([pair]));
  const sums = { eq2: await by(pairsOfEq2), all: await by(allPairs) };
  tf.dispose(logits);

  const share = (sum: Values, pair: PairName): number => {
    let [pulled, total] = [0, 0];
    for (const name of planeNames)
      for (let i = 0; i < sum[name].length; i++) {
        const lines = allPairs.filter((other) => alone.get(other)![name][i] !== 0);
        if (lines.length !== 1 || lines[0] !== pair) continue;
        total++;
        if (sum[name][i] !== 0) pulled++;
      }
    return pulled / total;
  };
  const shares = (sum: Values): Record<PairName, number> => ({
    'axial-coronal': share(sum, 'axial-coronal'),
    'axial-sagittal': share(sum, 'axial-sagittal'),
    'coronal-sagittal': share(sum, 'coronal-sagittal'),
  });
  return { eq2: shares(sums.eq2), all: shares(sums.all) };
}
