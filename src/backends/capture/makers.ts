// What stands behind the operations of a recording: real execution, or what an earlier recording gave.
import type { Attribute, GraphNode } from './graph';
import { type Binding, nodeBackend } from './binding';
import { numbersOf } from './constants';
import { type Maker, nextId, type RecordedNode, type Recording } from './recorder';
import { type CaptureRefusal, refuseCapture } from './refusal';

/** Every operation is computed, as without recording. */
export function execution(): Maker {
  const binding: Binding = nodeBackend().binding;
  return {
    computes: true,
    execute: ({ op, attributes, ids, outputs }) => binding.executeOp(op, attributes, ids, outputs),
    constant: (shape, dtype, values) => binding.createTensor(shape, dtype, values),
  };
}

/**
 * The function is recorded again, and nothing is computed: every operation must be the one that came at this place
 * before, and gives what it gave then. What is drawn, counted or read from a clock on the host is found by it.
 * @throws CaptureRefusal with the first operation or constant that differs, and the line of it
 */
export function again(step: string, before: Recording): Maker {
  const check = (node: Omit<RecordedNode, 'results'>, index: number): RecordedNode => {
    const first = before.nodes[index] as RecordedNode | undefined;
    const given = differenceOf(first, node);
    if (given !== undefined) throw changed(step, given, node);
    return first!;
  };
  return {
    computes: false,
    execute: ({ node, index }) =>
      check(node, index).results.map(({ shape, dtype }) => ({ id: nextId(), shape: [...shape], dtype })),
    constant: (_shape, _dtype, _values, node, index) => {
      check(node, index);
      return nextId();
    },
  };
}

/** @throws CaptureRefusal when the second recording ends earlier, or gives other nodes back */
export function requireSameEnd(step: string, first: Recording, second: Recording): void {
  const more = first.nodes[second.nodes.length] as RecordedNode | undefined;
  if (more) throw changed(step, `${more.op} the first time and nothing the second`, more);
  const ends = ({ outputs, updates }: Recording): string => JSON.stringify([outputs, updates]);
  if (ends(first) !== ends(second))
    throw refuseCapture(step, 'other outputs the second time', {
      fix: 'give the same outputs at every step',
    });
}

function changed(
  step: string,
  given: string,
  { moment }: { moment: RecordedNode['moment'] },
): CaptureRefusal {
  return refuseCapture(step, given, {
    moment,
    expected: 'the same operations and constants every time',
    fix: 'make what changes an input or one of `scalars`; draw random numbers outside the step, or from a fixed seed',
  });
}

/** What differs between two nodes in the same place, as a phrase. */
function differenceOf(first: GraphNode | undefined, second: GraphNode): string | undefined {
  if (!first) return `${second.op}, which was not there the first time`;
  if (first.op !== second.op) return `${first.op} the first time and ${second.op} the second`;
  if (first.inputs.join() !== second.inputs.join()) return `${second.op} of other tensors the second time`;
  const [name] = Object.keys({ ...first.attributes, ...second.attributes }).filter(
    (key) => !sameAttribute(first.attributes[key], second.attributes[key]),
  );
  if (name === undefined) return undefined;
  const [a, b] = [first.attributes[name], second.attributes[name]] as (Attribute | undefined)[];
  if (a?.kind === 'tensor' && b?.kind === 'tensor') return differentConstant(a, b);
  return `${second.op} with ${name} ${shown(a)} the first time and ${shown(b)} the second`;
}

const shown = (attribute: Attribute | undefined): string =>
  attribute === undefined || attribute.kind === 'tensor' ? 'unlike' : JSON.stringify(attribute.value);

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function sameAttribute(a: Attribute | undefined, b: Attribute | undefined): boolean {
  if (a?.kind === 'tensor' && b?.kind === 'tensor')
    return a.dtype === b.dtype && a.shape.join() === b.shape.join() && sameBytes(a.bytes, b.bytes);
  return JSON.stringify(a) === JSON.stringify(b);
}

type Constant = Attribute & { kind: 'tensor' };

function differentConstant(a: Constant, b: Constant): string {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join())
    return `a constant of shape [${a.shape.join(', ')}] the first time and [${b.shape.join(', ')}] the second`;
  const [x, y] = [numbersOf(a), numbersOf(b)];
  const k = Array.from(x).findIndex((value, i) => !Object.is(value, y[i]));
  const which = x.length > 1 ? ` (element ${k} of ${x.length})` : '';
  return `a constant that changes: ${x[k]} the first time and ${y[k]} the second${which}`;
}
