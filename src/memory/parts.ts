// A model cut into parts that run one after another, and its gradient with less held at a time: only what lies between parts
// is kept, and each part is computed again, on a tape of its own, when its turn comes.
//
// No tape is opened inside another one, so this needs nothing of TensorFlow.js's engine but `gradients`.
import { scope } from '../backends/scope';
import { tf } from '../backends/tf';
import type { Tensors } from '../backends/training-step';

/** One part of a model. */
export interface Part {
  readonly name: string;
  /** Paths of the trained parameters that it reads; a parameter belongs to one part. */
  readonly trained: readonly string[];
  /** A pure function of all trained parameters, by path, and of what the part before gives. */
  readonly run: (trained: Tensors, x: tf.Tensor) => tf.Tensor;
}

/** The engine's own gradients: of what f computes, by tensors that it reads. */
interface Engine {
  gradients(
    f: () => tf.Tensor,
    xs: readonly tf.Tensor[],
    dy: tf.Tensor,
    allowNoGradients: boolean,
  ): { value: tf.Tensor; grads: (tf.Tensor | null)[] };
}

const runPart = ({ name, run }: Part, trained: Tensors, x: tf.Tensor): tf.Tensor =>
  scope(name, () => tf.tidy(() => run(trained, x)));

/** Parts one after another. What lies between two is freed at once; a tape keeps what it needs of it. */
export function runParts(parts: readonly Part[], trained: Tensors, x: tf.Tensor): tf.Tensor {
  let y = x;
  for (const part of parts) {
    const next = runPart(part, trained, y);
    if (y !== x) y.dispose();
    y = next;
  }
  return y;
}

/**
 * What goes into each part from the first that has trained parameters on, and what comes out of the last. Before it there is
 * nothing to differentiate, and nothing is kept.
 * @returns as many tensors as parts from there, and one; all but the input are the caller's to free
 */
export function between(parts: readonly Part[], trained: Tensors, x: tf.Tensor): tf.Tensor[] {
  const first = firstTrained(parts);
  const kept = [runParts(parts.slice(0, first), trained, x)];
  for (const part of parts.slice(first)) kept.push(runPart(part, trained, kept.at(-1)!));
  return kept;
}

const firstTrained = (parts: readonly Part[]): number =>
  Math.max(
    0,
    parts.findIndex((part) => part.trained.length > 0),
  );

/** Gradients of a function of tensors by those that are asked for; zeros where it does not depend on one. */
function gradientsOf(f: () => tf.Tensor, xs: readonly tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const { value, grads } = (tf.engine() as unknown as Engine).gradients(f, xs, dy, true);
  value.dispose();
  return grads.map((gradient, k) => gradient ?? tf.zerosLike(xs[k]));
}

/** Add gradients of another plane to those that are there, each as soon as it arrives. */
function addTo(sum: Tensors, paths: readonly string[], found: readonly tf.Tensor[]): void {
  paths.forEach((path, k) => {
    const before = sum[path];
    sum[path] = before ? tf.add(before, found[k]) : found[k];
    if (before) tf.dispose([before, found[k]]);
  });
}

/**
 * Gradients by all trained parameters, by one tape over all parts.
 * @param dy   the gradient of the loss by what comes out
 * @param sum  gradients by path, to which these are added
 */
export function byTape(
  parts: readonly Part[],
  trained: Tensors,
  x: tf.Tensor,
  dy: tf.Tensor,
  sum: Tensors,
): void {
  const paths = parts.flatMap((part) => part.trained);
  const xs = paths.map((path) => trained[path]);
  addTo(sum, paths, gradientsOf(() => runParts(parts, trained, x), xs, dy)); // prettier-ignore
}

/**
 * The same part by part, from the last to the first: each is computed again from what went into it, on a tape that is gone
 * before the next one's.
 * @param x     what goes into the first part
 * @param kept  as `between` gives them for it; freed here, each as soon as it is not needed
 */
export function byRecomputing(
  parts: readonly Part[],
  trained: Tensors,
  x: tf.Tensor,
  dy: tf.Tensor,
  sum: Tensors,
  kept: readonly tf.Tensor[] = between(parts, trained, x),
): void {
  const first = firstTrained(parts);
  kept.at(-1)!.dispose();
  let arriving = dy;
  for (let k = parts.length - 1; k >= first; k--) {
    const part = parts[k];
    const given = kept[k - first];
    const xs = [...(k > first ? [given] : []), ...part.trained.map((path) => trained[path])];
    const found = gradientsOf(() => runPart(part, trained, given), xs, arriving);
    if (arriving !== dy) arriving.dispose();
    if (given !== x) given.dispose();
    if (k > first) arriving = found.shift()!;
    addTo(sum, part.trained, found);
  }
}
