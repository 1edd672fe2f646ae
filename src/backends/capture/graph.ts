// A recorded step as data: what the recorder writes and the session runs. Names are those of TensorFlow's GraphDef.

/** A type of TensorFlow, by its number in `DataType`: 1 float32, 3 int32, 9 int64, 10 bool. */
export type DataType = 1 | 3 | 9 | 10;

export type Attribute =
  | { kind: 'type'; value: number }
  | { kind: 'int'; value: number }
  | { kind: 'float'; value: number }
  | { kind: 'bool'; value: boolean }
  | { kind: 'string'; value: string }
  | { kind: 'shape'; value: readonly number[] }
  | {
      kind: 'list';
      of: 'type' | 'int' | 'float' | 'bool' | 'string';
      value: readonly (number | boolean | string)[];
    }
  | { kind: 'tensor'; dtype: DataType; shape: readonly number[]; bytes: Uint8Array };

/** One operation. */
export interface GraphNode {
  name: string;
  op: string;
  /** `node:output`, or `^node` for an order without a value. */
  inputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

/** A tensor that is fed, or that lives in the session. */
export interface GraphSlot {
  name: string;
  dtype: DataType;
  shape: readonly number[];
}

/** A step: `nodes` compute `outputs` from what is fed and from the variables, and then the variables take their new values. */
export interface RecordedStep {
  nodes: readonly GraphNode[];
  /** Fed at every step: nodes read them as `NAME:0`. */
  inputs: readonly GraphSlot[];
  /** In the session from step to step: nodes read them as `NAME:0`. */
  variables: readonly GraphSlot[];
  /** `node:output` by name: what the step gives back. */
  outputs: Readonly<Record<string, string>>;
  /** `node:output` by variable: the value after the step. Variables that are not named stay as they are. */
  updates: Readonly<Record<string, string>>;
}
