// Which compiler a step gets, by the stated rule; and that choosing leaves no trace.
import { beforeAll, describe, expect, it } from 'vitest';
import { decide, disagreement, openChosen } from '../../src/backends/capture/compiler';
import type { Attribute, RecordedStep } from '../../src/backends/capture/graph';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';

const T: Attribute = { kind: 'type', value: 1 };
/** count += rate; y = exp(count). */
const counting: RecordedStep = {
  nodes: [
    { name: 'sum', op: 'AddV2', inputs: ['count:0', 'rate:0'], attributes: { T } },
    { name: 'exp', op: 'Exp', inputs: ['sum:0'], attributes: { T } },
  ],
  inputs: [{ name: 'rate', dtype: 1, shape: [] }],
  variables: [{ name: 'count', dtype: 1, shape: [] }],
  outputs: { y: 'exp:0' },
  updates: { count: 'sum:0' },
};

describe('the rule on times', () => {
  it('takes XLA where it is faster and repaid in time', () => {
    const graph = { firstMs: 400, stepMs: 12 };
    // 2000 ms more at the start, 4 ms less a step.
    expect(decide(graph, { firstMs: 2400, stepMs: 8 }, 1000)).toEqual({
      compiler: 'xla',
      why: '8.0 ms a step by XLA, 12.0 as a graph: compiling is repaid after 500 of 1000 steps',
    });
    expect(decide(graph, { firstMs: 2400, stepMs: 8 }, 499).compiler).toBe('graph');
    expect(decide(graph, { firstMs: 2400, stepMs: 12 }, 1000)).toEqual({
      compiler: 'graph',
      why: '12.0 ms a step by XLA, 12.0 as a graph',
    });
    expect(decide(graph, { firstMs: 100, stepMs: 11 }, 1).compiler).toBe('xla');
  });
});

describeWith('native-tensorflow', 'choosing a compiler', () => {
  beforeAll(async () => {
    await (await loadCandidate('tensorflow')).open();
  });

  it('times both, and begins with the values it was given', async () => {
    await withoutLeak('choosing', () => {
      const [count, rate] = [tf.scalar(2), tf.scalar(0.5)];
      const { session, choice } = openChosen(counting, { count }, { compiler: 'auto', name: 'counting' });
      expect(choice.asked).toBe('auto');
      const { graph, xla } = choice;
      expect(choice).toMatchObject(decide(graph!, xla!, 1000));
      const { y } = session.run({ rate });
      expect(y.dataSync()[0]).toBeCloseTo(Math.exp(2.5), 4);
      session.dispose();
      tf.dispose([count, rate, y]);
    });
  });

  it('compares what both compute, each output by its largest value', () => {
    const given = { loss: tf.scalar(2), map: tf.tensor([100, NaN, -50]) };
    const same = { loss: tf.scalar(2), map: tf.tensor([100, NaN, -50]) };
    const other = { loss: tf.scalar(2), map: tf.tensor([100, NaN, -50.5]) };
    const none = { loss: tf.scalar(NaN), map: given.map };
    expect(disagreement(given, same)).toBe(0);
    expect(disagreement(given, other)).toBeCloseTo(0.005, 6);
    expect(disagreement(given, none)).toBe(Infinity);
    tf.dispose([given, same, other, none]);
  });

  it('does as it is told, and says so', () => {
    const count = tf.scalar(2);
    for (const compiler of ['graph', 'xla'] as const) {
      const { session, choice } = openChosen(counting, { count }, { compiler });
      expect(choice).toEqual({ compiler, asked: compiler, why: 'asked for', graph: null, xla: null });
      session.dispose();
    }
    count.dispose();
  });

  it('leaves 3-D convolutions, and what XLA does not know, to the graph', async () => {
    await withoutLeak('choosing', () => {
      const inputs = [
        { name: 'x', dtype: 1 as const, shape: [1, 2, 2, 2, 1] },
        { name: 'w', dtype: 1 as const, shape: [1, 1, 1, 1, 1] },
      ];
      const ones: Attribute = { kind: 'list', of: 'int', value: [1, 1, 1, 1, 1] };
      const convolution = {
        name: 'y',
        op: 'Conv3D',
        inputs: ['x:0', 'w:0'],
        attributes: { T, strides: ones, padding: { kind: 'string', value: 'SAME' } as const },
      };
      const convolve = { nodes: [convolution], inputs, variables: [], outputs: { y: 'y:0' }, updates: {} };
      const first = openChosen(convolve, {}, { compiler: 'auto' });
      expect(first.choice).toMatchObject({ compiler: 'graph', graph: null });
      expect(first.choice.why).toContain('3-D convolutions (Conv3D)');
      const odd = {
        ...convolve,
        nodes: [{ name: 'y', op: 'Xlogy', inputs: ['x:0', 'w:0'], attributes: { T } }],
      };
      const second = openChosen(odd, {}, { compiler: 'auto', name: 'odd' });
      expect(second.choice.why).toMatch(/^XLA cannot compile it: odd: given operations .*: Xlogy/);
      expect(second.choice.compiler).toBe('graph');
      first.session.dispose();
      second.session.dispose();
    });
  });
});
