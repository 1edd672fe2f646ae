// A graph as the file that TensorFlow loads: SavedModel > MetaGraphDef > GraphDef > NodeDef (tensorflow/core/framework,
// node_def.proto, attr_value.proto, tensor.proto, tensor_shape.proto; tensorflow/core/protobuf, saved_model.proto).
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { InputError } from '../../base/errors';
import type { Attribute, GraphNode } from './graph';
import { float, integer, message, nested } from './protobuf';
import type { Message } from './protobuf';

/** A node of the file: beside what is recorded, calls of functions. */
export interface FileNode extends Omit<GraphNode, 'attributes'> {
  attributes: Readonly<Record<string, Attribute | { kind: 'function'; value: string }>>;
}

/** A function that the graph calls. In its body an argument goes by its name, and an output as `node:name:index`. */
export interface GraphFunction {
  name: string;
  arguments: readonly { name: string; dtype: number }[];
  results: readonly { name: string; dtype: number; value: string }[];
  nodes: readonly GraphNode[];
}

/** The tag by which the graph in the file is asked for. */
export const graphTag = 'coc';
/** TensorFlow 2.x's version of graphs, of the time when the ops that we use had settled. */
const producer = 1600;
/** No message of protocol buffers is larger. */
const largest = 2 ** 31 - 1;

/**
 * The file's content.
 * @throws InputError when it passes 2 GiB, naming the largest constant
 */
export function savedModel(
  what: string,
  nodes: readonly FileNode[],
  functions: readonly GraphFunction[] = [],
): Message {
  const graph = message(
    ...nodes.map((node) => nested(1, nodeDef(node))),
    nested(2, message(...functions.map((each) => nested(1, functionDef(each))))),
    nested(4, integer(1, producer)),
  );
  const file = message(integer(1, 1), nested(2, message(nested(1, nested(4, graphTag)), nested(2, graph))));
  if (file.bytes > largest)
    throw tooLarge(what, file.bytes, [...nodes, ...functions.flatMap((each) => each.nodes)]);
  return file;
}

/** Write the graph into a folder of its own for as long as `load` runs: it is gone afterwards, when `load` fails too. */
export function withModelFolder<T>(file: Message, load: (folder: string) => T): T {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-captured-'));
  try {
    const handle = openSync(path.join(folder, 'saved_model.pb'), 'wx', 0o600);
    try {
      for (const chunk of chunks(file))
        for (let at = 0; at < chunk.length;) at += writeSync(handle, chunk, at);
    } finally {
      closeSync(handle);
    }
    return load(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The pieces in order, small ones put together: a graph has some hundred thousand, and each write is a call. */
function* chunks(file: Message): Generator<Uint8Array> {
  const enough = 1 << 20;
  let small: Uint8Array[] = [];
  let held = 0;
  for (const piece of file.pieces) {
    small.push(piece);
    held += piece.length;
    if (held < enough) continue;
    yield Buffer.concat(small);
    small = [];
    held = 0;
  }
  yield Buffer.concat(small);
}

function nodeDef(node: FileNode): Message {
  return message(
    nested(1, node.name),
    nested(2, node.op),
    ...node.inputs.map((input) => nested(3, input)),
    ...Object.entries(node.attributes).map(([name, attribute]) =>
      nested(5, message(nested(1, name), nested(2, attrValue(attribute)))),
    ),
  );
}

/** Its signature, its body, and which values of the body are its results. */
function functionDef({ name, arguments: given, results, nodes }: GraphFunction): Message {
  const argument = (one: { name: string; dtype: number }): Message =>
    message(nested(1, one.name), integer(3, one.dtype));
  return message(
    nested(
      1,
      message(
        nested(1, name),
        ...given.map((one) => nested(2, argument(one))),
        ...results.map((one) => nested(3, argument(one))),
      ),
    ),
    ...nodes.map((node) => nested(3, nodeDef(node))),
    ...results.map((one) => nested(4, message(nested(1, one.name), nested(2, one.value)))),
  );
}

function attrValue(attribute: FileNode['attributes'][string]): Message {
  switch (attribute.kind) {
    case 'list':
      return nested(1, message(...attribute.value.map((value) => single(attribute.of, value))));
    case 'shape':
      return nested(7, shapeProto(attribute.value));
    case 'tensor':
      return nested(
        8,
        message(
          integer(1, attribute.dtype),
          nested(2, shapeProto(attribute.shape)),
          nested(4, attribute.bytes),
        ),
      );
    case 'function':
      return nested(10, nested(1, attribute.value));
    case 'type':
    case 'int':
    case 'float':
    case 'bool':
    case 'string':
      return single(attribute.kind, attribute.value);
  }
}

/** The fields of `AttrValue` and of its `ListValue` have the same numbers. */
const field = { string: 2, int: 3, float: 4, bool: 5, type: 6 } as const;

function single(kind: keyof typeof field, value: number | boolean | string): Message {
  if (kind === 'string') return nested(field.string, String(value));
  return kind === 'float' ? float(field.float, Number(value)) : integer(field[kind], Number(value));
}

const shapeProto = (shape: readonly number[]): Message =>
  message(...shape.map((size) => nested(2, integer(1, size))));

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

function tooLarge(what: string, bytes: number, nodes: readonly FileNode[]): InputError {
  const constants = nodes.flatMap(({ name, attributes }) =>
    Object.values(attributes).flatMap((a) => (a.kind === 'tensor' ? [{ name, bytes: a.bytes.length }] : [])),
  );
  const biggest = constants.reduce((a, b) => (b.bytes > a.bytes ? b : a), { name: 'none', bytes: 0 });
  return new InputError({
    what,
    given: `a graph of ${gib(bytes)}, ${constants.length} constants in it (the largest, ${biggest.name}, of ${gib(biggest.bytes)})`,
    expected: 'at most 2 GiB: no graph of TensorFlow is larger',
    fix: 'make weights parameters of the step, trained or frozen: those live beside the graph',
  });
}
