// The file that TensorFlow loads, byte by byte, and what is put into it.
import { describe, expect, it } from 'vitest';
import type { RecordedStep } from '../../src/backends/capture/graph';
import { float, integer, message, nested } from '../../src/backends/capture/protobuf';
import type { Message } from '../../src/backends/capture/protobuf';
import { savedModel } from '../../src/backends/capture/saved-model';
import { sessionGraph } from '../../src/backends/capture/session-graph';

const hex = (m: Message): string => {
  expect(m.pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe(m.bytes);
  return Buffer.concat(m.pieces).toString('hex');
};

describe('protocol buffers', () => {
  it('writes the examples of their documentation (protobuf.dev, "Encoding")', () => {
    expect(hex(integer(1, 150))).toBe('089601');
    expect(hex(integer(1, -2))).toBe('08feffffffffffffffff01');
    expect(hex(integer(3, true))).toBe('1801');
    expect(hex(nested(2, 'testing'))).toBe('120774657374696e67');
    expect(hex(nested(3, integer(1, 150)))).toBe('1a03089601');
    // 5, the field's kind, and 25.4 as IEEE 754 has it, the lowest byte first.
    expect(hex(float(1, 25.4))).toBe('0d3333cb41');
    expect(hex(message(integer(1, 1), nested(4, Uint8Array.of(9))))).toBe('0801220109');
    expect(hex(nested(1, 'x'.repeat(200))).slice(0, 8)).toBe('0ac80178');
  });

  it('does not copy large constants', () => {
    const bytes = new Uint8Array(1000);
    expect(nested(1, nested(2, bytes)).pieces).toContain(bytes);
  });
});

const step: RecordedStep = {
  nodes: [
    { name: 'both', op: 'SplitV', inputs: ['x:0'], attributes: { T: { kind: 'type', value: 1 } } },
    {
      name: 'sum',
      op: 'AddV2',
      inputs: ['both:0', 'both:1', '^both'],
      attributes: { T: { kind: 'type', value: 1 } },
    },
    { name: 'more', op: 'Greater', inputs: ['sum:0', 'w:0'], attributes: { T: { kind: 'type', value: 1 } } },
  ],
  inputs: [{ name: 'x', dtype: 1, shape: [2] }],
  variables: [{ name: 'w', dtype: 1, shape: [] }],
  outputs: { more: 'more:0' },
  updates: { w: 'sum:0' },
};

describe("a session's graph", () => {
  it('assigns after everything is computed, and after the variable was read', () => {
    const { nodes } = sessionGraph('it', step.variables, [step], 'graph');
    const byName = new Map(nodes.map((node) => [node.name, node]));
    expect(byName.get('s0/w0')).toMatchObject({
      op: 'AssignVariableOp',
      inputs: ['v0:0', 's0/n/sum:0', '^s0/ready', '^s0/v0'],
    });
    expect(byName.get('s0/ready')!.inputs).toEqual(['^s0/n/more', '^s0/n/sum']);
    expect(byName.get('s0/done')!.inputs).toEqual(['^s0/ready', '^s0/w0']);
    expect(byName.get('s0/n/sum')!.inputs).toEqual(['s0/n/both:0', 's0/n/both:1', '^s0/n/both']);
    expect(nodes.flatMap((node) => Object.keys(node.attributes))).not.toContain('_XlaMustCompile');
  });

  it('is one call that must be compiled, for XLA', () => {
    const { nodes, functions } = sessionGraph('it', step.variables, [step], 'xla');
    const calls = nodes.filter((node) => '_XlaMustCompile' in node.attributes);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({
      op: 'StatefulPartitionedCall',
      inputs: ['s0/x0:0', 's0/v0:0'],
      // Greater gives truth values (10), the sum float32 (1).
      attributes: { Tout: { value: [10, 1] }, f: { value: functions[0].name } },
    });
    expect(functions[0].nodes.map((node) => node.inputs)).toEqual([
      ['a0'],
      ['n/both:output:0', 'n/both:output:1', '^n/both'],
      ['n/sum:z:0', 'a1'],
    ]);
    expect(functions[0].results.map((result) => result.value)).toEqual(['n/more:z:0', 'n/sum:z:0']);
  });

  it('is refused where it passes 2 GiB, and the largest constant is named', () => {
    const constant = (name: string, bytes: number) => ({
      name,
      op: 'Const',
      inputs: [],
      attributes: {
        value: { kind: 'tensor', dtype: 1, shape: [bytes / 4], bytes: new Uint8Array(bytes) },
      } as const,
    });
    expect(() => savedModel('it', [constant('small', 4), constant('weights', 2 ** 31)])).toThrow(
      'it: given a graph of 2.00 GiB, 2 constants in it (the largest, weights, of 2.00 GiB), expected at most 2 GiB',
    );
  });
});
