// Prompts on tensors: shapes that do not fit, by hand, and labels that are none.
import { beforeAll, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { models } from '../../src/models/registry';
import { pointLabels, promptEncoder, promptEncoderSpec } from '../../src/models/sam/prompt-encoder';
import { checkPromptShapes } from '../../src/models/sam/prompt-shapes';
import { decodeMasks, decoderSpec } from '../../src/models/sam/sam';
import { blank, filled } from '../../src/nn/parameters';

const { config } = models['tiny-64'];
beforeAll(async () => {
  await (await loadCandidate('cpu')).open();
  await tf.setBackend('cpu');
});

type Shapes = Parameters<typeof checkPromptShapes>[0];
it.each<[Shapes]>([
  [{}],
  [{ points: [2, 3, 4, 2], labels: [2, 3, 4] }],
  [{ points: [2, 3, 0, 2], labels: [2, 3, 0], boxes: [2, 3, 4] }],
  [{ boxes: [2, 5, 4], masks: [2, 1, 32, 32] }],
  [{ masks: [2, 7, 32, 32] }],
])('fit: %j', (shapes) => {
  expect(() => checkPromptShapes(shapes, 2, 8)).not.toThrow();
});

it.each<[Shapes, string]>([
  [{ labels: [2, 3, 4] }, 'given labels [2, 3, 4], expected points and labels together'],
  [{ points: [2, 3, 4, 3], labels: [2, 3, 4] }, 'expected points [2, 3, points, 2]'],
  [{ points: [1, 3, 4, 2], labels: [1, 3, 4] }, 'expected points [2, 3, points, 2]'],
  [{ points: [2, 3, 4, 2], labels: [2, 3, 5] }, 'expected labels [2, 3, 4]'],
  [{ points: [2, 3, 4, 2], labels: [2, 12] }, 'expected labels [2, 3, 4]'],
  [{ points: [2, 3, 4, 2], labels: [2, 3, 4], boxes: [2, 2, 4] }, 'expected boxes [2, 3, 4]'],
  [{ boxes: [2, 4] }, 'expected boxes [2, 4, 4]'],
  [{ boxes: [2, 3, 4], masks: [2, 2, 32, 32] }, 'expected masks [2, 3 or 1, 32, 32]'],
  [{ masks: [2, 1, 32, 31] }, 'expected masks [2, prompts or 1, 32, 32]'],
])('do not fit: %j', (shapes, message) => {
  expect(() => checkPromptShapes(shapes, 2, 8)).toThrow(message);
});

it('are checked where tensors come in, too', () => {
  tf.tidy(() => {
    const decoder = blank(decoderSpec(config));
    const embedding = tf.zeros([1, 8, 8, 64]);
    expect(() => decodeMasks(decoder, embedding, { boxes: tf.zeros([1, 2, 5]) }, config)).toThrow(
      'given boxes [1, 2, 5], expected boxes [1, 2, 4]',
    );
    tf.dispose(decoder as unknown as tf.TensorContainer);
  });
});

it('give a token of zeros without a position for a label that is none', () => {
  tf.tidy(() => {
    const parameters = filled(promptEncoderSpec(config.prompts), ({ size }) =>
      new Float32Array(size).fill(2),
    );
    const labels = tf.tensor([pointLabels.absent, 7, 0.5, pointLabels.foreground], [1, 1, 4]);
    const points = tf.fill([1, 1, 4, 2], 30);
    const positions = tf.ones([2, 32]);
    const { sparse } = promptEncoder(parameters, positions, { points, labels }, config.prompts);
    const tokens = tf.reshape(sparse!, [5, 64]).arraySync() as number[][];
    for (const token of tokens.slice(0, 3)) expect(token.every((value) => value === 0)).toBe(true);
    expect(tokens[3].some((value) => value !== 0)).toBe(true);
    tf.dispose(parameters as unknown as tf.TensorContainer);
  });
});
