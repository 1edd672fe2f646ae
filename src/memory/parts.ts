// A model cut into parts that run one after another, and its gradient with less held at a time: only what lies between parts
// is kept, and each part is computed again, on a tape of its own, when its turn comes. A part may read what several parts
// before it gave, as the way up of a U-Net does.
//
// No tape is opened inside another one, so this needs nothing of TensorFlow.js's engine but `gradients`.
import { scope } from '../backends/scope';
import { tf } from '../backends/tf';
import type { Tensors, TensorTree } from '../backends/training-step';
import { flattenTree } from '../backends/training-step';
import { InputError } from '../base/errors';

/** One part of a model. */
export interface Part {
  /** No other part has it. */
  readonly name: string;
  /** Paths of the trained parameters that it reads; a parameter belongs to one part. */
  readonly trained: readonly string[];
  /** Names of the earlier parts that it is given the results of; where left out, of the part before. The first is given the input. */
  readonly reads?: readonly string[];
  /** A pure function of all trained parameters, by path, and of what it reads. What it returns is a new tensor. */
  readonly run: (trained: Tensors, ...given: tf.Tensor[]) => tf.Tensor;
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

/** Paths of the trained parameters that are, or lie below, one of these. */
export const pathsUnder = (trained: TensorTree, ...starts: readonly string[]): string[] =>
  Object.keys(flattenTree(trained)).filter((path) =>
    starts.some((start) => path === start || path.startsWith(`${start}/`)),
  );

/**
 * Check that parts are a model.
 * @throws InputError naming a part that stands twice, reads what is not before it or is not read, and a parameter that is not of
 *   one part
 */
export function checkParts(parts: readonly Part[], trained: Tensors): void {
  const refuse = (given: string, expected: string, fix: string): never => {
    throw new InputError({ what: 'cannot run a model in parts', given, expected, fix });
  };
  const names = new Set<string>();
  for (const { name, reads = [] } of parts) {
    const unknown = reads.find((read) => !names.has(read));
    if (unknown !== undefined)
      refuse(`\`${name}\`, which reads \`${unknown}\``, 'parts that read earlier ones', 'put them in order');
    if (names.has(name)) refuse(`two parts \`${name}\``, 'a name for each', 'number them');
    names.add(name);
  }
  const read = new Set(parts.flatMap((_, k) => readBy(parts, k)));
  const unread = parts.slice(0, -1).find(({ name }) => !read.has(name));
  if (unread)
    refuse(`\`${unread.name}\`, which no part reads`, 'one result, of the last part', 'leave it out');
  const counts = new Map(Object.keys(trained).map((path) => [path, 0]));
  for (const path of parts.flatMap((part) => part.trained)) {
    const count = counts.get(path);
    if (count === undefined)
      refuse(`a part of ${path}`, 'parameters that are trained', 'leave it out of the `trained` of its part');
    else counts.set(path, count + 1);
  }
  for (const [path, count] of counts)
    if (count !== 1)
      refuse(
        `${path} in ${count} parts`,
        'each trained parameter in one part',
        'name it in the `trained` of the part that reads it',
      );
}

/** Names of the parts that a part reads; none for the first, which is given the input. */
const readBy = (parts: readonly Part[], k: number): readonly string[] =>
  k === 0 ? [] : (parts[k].reads ?? [parts[k - 1].name]);

/** What a part is given, of the results of others. */
const givenTo = (parts: readonly Part[], k: number, results: Tensors, x: tf.Tensor): tf.Tensor[] =>
  k === 0 ? [x] : readBy(parts, k).map((name) => results[name]);

const runPart = ({ name, run }: Part, trained: Tensors, given: readonly tf.Tensor[]): tf.Tensor =>
  scope(name, () => tf.tidy(() => run(trained, ...given)));

function free(results: Tensors, name: string): void {
  results[name].dispose();
  delete results[name];
}

/** Run parts; of what lies between, all that is not to stay is freed as soon as nothing reads it any more. */
function run(
  parts: readonly Part[],
  trained: Tensors,
  x: tf.Tensor,
  stays: (name: string) => boolean,
): Tensors {
  const results: Tensors = {};
  parts.forEach((part, k) => {
    results[part.name] = runPart(part, trained, givenTo(parts, k, results, x));
    for (const name of readBy(parts, k)) {
      const again = parts.some((_, later) => later > k && readBy(parts, later).includes(name));
      if (!again && !stays(name)) free(results, name);
    }
  });
  return results;
}

/** The result of the last part. What lies between two is freed at once; a tape keeps what it needs of it. */
export const runParts = (parts: readonly Part[], trained: Tensors, x: tf.Tensor): tf.Tensor =>
  run(parts, trained, x, () => false)[parts.at(-1)!.name];

/**
 * What goes into each part that has a gradient, and what comes out of the last. Before the first that has trained parameters
 * there is nothing to differentiate, and nothing is kept.
 * @returns results of parts by name, the caller's to free; the input is not among them
 */
export function between(parts: readonly Part[], trained: Tensors, x: tf.Tensor): Tensors {
  const differentiated = withGradient(parts);
  return run(parts, trained, x, (name) =>
    parts.some((part, k) => differentiated.has(part.name) && readBy(parts, k).includes(name)),
  );
}

/** Names of the parts that a gradient goes through: those that are trained, and all that read one of them. */
function withGradient(parts: readonly Part[]): ReadonlySet<string> {
  const names = new Set<string>();
  parts.forEach(({ name, trained }, k) => {
    if (trained.length > 0 || readBy(parts, k).some((read) => names.has(read))) names.add(name);
  });
  return names;
}

/** Gradients of a function of tensors by those that are asked for; zeros where it does not depend on one. */
function gradientsOf(f: () => tf.Tensor, xs: readonly tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const { value, grads } = (tf.engine() as unknown as Engine).gradients(f, xs, dy, true);
  value.dispose();
  return grads.map((gradient, k) => gradient ?? tf.zerosLike(xs[k]));
}

/** Add gradients to those that are there, each as soon as it arrives. */
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
  kept: Tensors = between(parts, trained, x),
): void {
  const differentiated = withGradient(parts);
  const last = parts.at(-1)!.name;
  free(kept, last);
  /** By part: the gradient of the loss by its result. */
  const arriving: Tensors = { [last]: dy };
  for (let k = parts.length - 1; k >= 0; k--) {
    const part = parts[k];
    if (!differentiated.has(part.name)) continue;
    const given = givenTo(parts, k, kept, x);
    const sentTo = readBy(parts, k).filter((name) => differentiated.has(name));
    const xs = [...sentTo.map((name) => kept[name]), ...part.trained.map((path) => trained[path])];
    const arrived = arriving[part.name];
    const found = gradientsOf(() => runPart(part, trained, given), xs, arrived);
    if (arrived !== dy) arrived.dispose();
    for (const name of readBy(parts, k)) {
      const again = parts.some(
        (other, earlier) =>
          earlier < k && differentiated.has(other.name) && readBy(parts, earlier).includes(name),
      );
      if (!again) free(kept, name);
    }
    addTo(arriving, sentTo, found.slice(0, sentTo.length));
    addTo(sum, part.trained, found.slice(sentTo.length));
  }
}
