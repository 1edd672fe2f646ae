// Eq. 2 on a network small enough to differentiate by hand: its gradient with all views' activations held at once, and
// view by view. It shows that the second way is the same gradient; what it saves in a real network follows from shapes.
import { Random } from '../base/random';

const pixels = 6;
const hidden = 5;
const views = 3;
/** Pixels of the axial view and of the other view that are the same voxels. */
const shared = [
  { view: 1, axial: [0, 1, 2], other: [3, 4, 5] },
  { view: 2, axial: [3, 4, 5], other: [0, 1, 2] },
];
const lambda = 0.7;

/** Two layers of weights, shared by the views: hidden x pixels, then pixels x hidden. */
export interface Weights {
  first: number[];
  second: number[];
}
/** A picture and its label. */
export interface SmallView {
  image: number[];
  label: number[];
}
/** What a backward pass needs of a forward pass. */
interface Kept {
  hidden: number[];
  mask: number[];
}

/** Weights and views of a seed. */
export function smallProblem(seed: number): { weights: Weights; views: SmallView[] } {
  const random = new Random(seed);
  const draw = (n: number): number[] => Array.from({ length: n }, () => random.normal());
  return {
    weights: { first: draw(hidden * pixels), second: draw(pixels * hidden) },
    views: Array.from({ length: views }, () => ({
      image: draw(pixels),
      label: draw(pixels).map((x) => Number(x > 0)),
    })),
  };
}

function forward({ first, second }: Weights, image: number[]): Kept {
  const times = (matrix: number[], rows: number, vector: number[]): number[] =>
    Array.from({ length: rows }, (_, r) =>
      vector.reduce((sum, x, c) => sum + matrix[r * vector.length + c] * x, 0),
    );
  const inner = times(first, hidden, image).map(Math.tanh);
  return { hidden: inner, mask: times(second, pixels, inner).map((x) => 1 / (1 + Math.exp(-x))) };
}

/** Adds one view's part of the gradient, given the derivative of the loss by its mask. */
function backward({ second }: Weights, image: number[], kept: Kept, byMask: number[], into: Weights): void {
  const bySum = byMask.map((g, p) => g * kept.mask[p] * (1 - kept.mask[p]));
  for (let h = 0; h < hidden; h++) {
    let byHidden = 0;
    for (let p = 0; p < pixels; p++) {
      into.second[p * hidden + h] += bySum[p] * kept.hidden[h];
      byHidden += bySum[p] * second[p * hidden + h];
    }
    const byInner = byHidden * (1 - kept.hidden[h] ** 2);
    for (let p = 0; p < pixels; p++) into.first[h * pixels + p] += byInner * image[p];
  }
}

/** Eq. 2: squared error against the labels, and along the shared lines. */
function loss(masks: number[][], all: SmallView[]): number {
  const supervised = all.reduce((sum, { label }, v) => sum + squared(masks[v], label), 0);
  const consistency = shared.reduce(
    (sum, { view, axial, other }) =>
      sum +
      squared(
        axial.map((p) => masks[0][p]),
        other.map((p) => masks[view][p]),
      ),
    0,
  );
  return supervised + lambda * consistency;
}
const squared = (a: number[], b: number[]): number => a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0);

/** The derivative of the loss by each mask: all that one view needs to know of the others. */
function byMasks(masks: number[][], all: SmallView[]): number[][] {
  const gradients = masks.map((mask, v) => mask.map((m, p) => 2 * (m - all[v].label[p])));
  for (const { view, axial, other } of shared)
    axial.forEach((a, k) => {
      const difference = 2 * lambda * (masks[0][a] - masks[view][other[k]]);
      gradients[0][a] += difference;
      gradients[view][other[k]] -= difference;
    });
  return gradients;
}

/** Counts for how many views activations are held. */
class Ledger {
  private now = 0;
  most = 0;

  hold(kept: Kept): Kept {
    this.most = Math.max(this.most, ++this.now);
    return kept;
  }

  release(): void {
    this.now--;
  }
}

/** A gradient, and for how many views at most activations were held at once while it was computed. */
export interface Gradient {
  gradient: Weights;
  held: number;
}

const zeros = (): Weights => ({
  first: new Array<number>(hidden * pixels).fill(0),
  second: new Array<number>(pixels * hidden).fill(0),
});

/** The loss of Eq. 2 alone. */
export function lossOf(weights: Weights, all: SmallView[]): number {
  return loss(
    all.map(({ image }) => forward(weights, image).mask),
    all,
  );
}

/** As the study describes it: all views forward, their activations held, then back. */
export function gradientAtOnce(weights: Weights, all: SmallView[]): Gradient {
  const ledger = new Ledger();
  const gradient = zeros();
  const kept = all.map(({ image }) => ledger.hold(forward(weights, image)));
  const byMask = byMasks(
    kept.map((k) => k.mask),
    all,
  );
  all.forEach(({ image }, v) => {
    backward(weights, image, kept[v], byMask[v], gradient);
    ledger.release();
  });
  return { gradient, held: ledger.most };
}

/** View by view: forward for the masks alone, then each view forward again and back. */
export function gradientByView(weights: Weights, all: SmallView[]): Gradient {
  const ledger = new Ledger();
  const gradient = zeros();
  const masks = all.map(({ image }) => forward(weights, image).mask);
  const byMask = byMasks(masks, all);
  all.forEach(({ image }, v) => {
    const kept = ledger.hold(forward(weights, image));
    backward(weights, image, kept, byMask[v], gradient);
    ledger.release();
  });
  return { gradient, held: ledger.most };
}
