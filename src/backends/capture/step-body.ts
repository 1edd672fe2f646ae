// The computation of a recorded step, between what is read and what is assigned, as nodes of the session's graph.
import type { RecordedStep } from './graph';
import type { FileNode, GraphFunction } from './saved-model';

/** The computation between what is read and what is assigned. */
export interface StepBody {
  nodes: readonly FileNode[];
  functions: readonly GraphFunction[];
  /** What the recording calls `node:output`, by that name, as the graph calls it: for every output and update. */
  values: ReadonlyMap<string, string>;
}

/** The recorded nodes as they are, under names of their own. */
export function plainBody(prefix: string, step: RecordedStep, slots: ReadonlyMap<string, string>): StepBody {
  const renamed = (value: string): string => {
    if (value.startsWith('^')) return `^${renamed(`${value.slice(1)}:0`).split(':')[0]}`;
    const [node, output] = splitReference(value);
    return `${slots.get(node) ?? `${prefix}/n/${node}`}:${output}`;
  };
  const nodes = step.nodes.map((node) => ({
    ...node,
    name: `${prefix}/n/${node.name}`,
    inputs: node.inputs.map(renamed),
  }));
  const wanted = [...Object.values(step.outputs), ...Object.values(step.updates)];
  return { nodes, functions: [], values: new Map(wanted.map((value) => [value, renamed(value)])) };
}

/** `node:output` in its two parts. */
export function splitReference(value: string): [node: string, output: number] {
  const at = value.lastIndexOf(':');
  return [value.slice(0, at), Number(value.slice(at + 1))];
}
