// A whole SAM on webgpu, a card in software, beside the same on cpu: masks, their quality, and gradients into windows, relative
// positions, rotations and hypernetworks.
import { beforeAll, expect, it } from 'vitest';
import type { tf as Tf } from '../../src/backends/tf';
import type { WebgpuBackend } from '../../src/backends/webgpu/open';
import { Random } from '../../src/base/random';
import type { ParameterTree } from '../../src/nn/parameters';
import { withoutLeak } from '../setup/leaks';
import { describeWith } from '../setup/peers';
import { useSwiftshader } from '../setup/swiftshader';

describeWith('swiftshader', 'models on webgpu', () => {
  let tf: typeof Tf;
  let backend: WebgpuBackend;
  const random = new Random(3);
  const noise = (shape: readonly number[], path: string): Float32Array => {
    const stream = random.fork(path);
    return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.3 * stream.normal());
  };
  const tensor = (shape: readonly number[], path: string): Tf.Tensor =>
    tf.tensor(noise(shape, path), [...shape]);

  beforeAll(async () => {
    useSwiftshader();
    await (await import('../../src/backends/cpu.js')).candidate.open();
    const { candidate } = await import('../../src/backends/webgpu.js');
    backend = await candidate.open({ asked: true });
    ({ tf } = await import('../../src/backends/tf.js'));
  });

  /** Values of a model and gradients of their weighed sum by every parameter, on cpu and on webgpu. */
  async function compare(
    spec: ParameterTree,
    run: (parameters: never) => readonly Tf.Tensor[],
  ): Promise<void> {
    const { flattenParameters } = await import('../../src/nn/parameters.js');
    const { unflattenTree } = await import('../../src/backends/training-step.js');
    const { blank } = await import('../../src/nn/parameters.js');
    const shapes = flattenParameters(spec);
    const both: Record<string, Float32Array>[] = [];
    for (const name of ['cpu', 'webgpu']) {
      await tf.setBackend(name);
      const form = blank(spec);
      const found = tf.tidy(() => {
        const paths = Object.keys(shapes);
        const leaves = paths.map((path) => tensor(shapes[path].shape, path));
        const model = (...xs: Tf.Tensor[]): Tf.Tensor => {
          const tree = unflattenTree(form, Object.fromEntries(paths.map((path, k) => [path, xs[k]])));
          const weighed = run(tree as never).map((x, k) => tf.sum(tf.mul(x, tensor(x.shape, `probe ${k}`))));
          return tf.addN(weighed);
        };
        const { value, grads } = tf.valueAndGrads(model)(leaves);
        return [value, ...grads];
      });
      const names = ['the value', ...Object.keys(shapes)];
      const values = await Promise.all(found.map(async (x) => Float32Array.from(await x.data())));
      both.push(Object.fromEntries(names.map((label, k) => [label, values[k]])));
      tf.dispose([found, form as never]);
    }
    const largest = Math.max(...Object.values(both[0]).map(most));
    for (const [label, expected] of Object.entries(both[0])) {
      const apart = most(expected.map((x, k) => x - both[1][label][k]));
      expect(apart, label).toBeLessThan(1e-4 * most(expected) + 1e-6 * largest);
    }
  }
  const most = (values: Float32Array): number => values.reduce((m, x) => Math.max(m, Math.abs(x)), 0);

  const encoder = {
    imageSize: 20,
    patchSize: 4,
    channels: 3,
    width: 16,
    depth: 2,
    heads: 2,
    hidden: 24,
    window: 2,
    globalBlocks: [1],
    epsilon: 1e-6,
  };

  it('SAM, asked with points, boxes and masks', async () => {
    const { sam, samSpec } = await import('../../src/models/sam/sam.js');
    const config = {
      encoder: { ...encoder, neck: 16, qkvBias: true, absolutePositions: true, relativePositions: true },
      prompts: { imageSize: 20, patchSize: 4, width: 16, maskChannels: 16, frequencies: 8, epsilon: 1e-6 },
      decoder: {
        width: 16,
        depth: 2,
        heads: 2,
        hidden: 24,
        downsample: 2,
        masks: 3,
        iouDepth: 3,
        iouHidden: 16,
        epsilon: 1e-6,
      },
    };
    // What prompts of all kinds leave unread: the token of no mask, the one of no point, and the mask of a clear prompt.
    const { promptEncoder, maskDecoder, ...others } = samSpec(config);
    const { noMask, ...asked } = promptEncoder;
    const { hypernetworks, ...decoder } = maskDecoder;
    const spec = { ...others, asked, decoder, several: hypernetworks.slice(1) };
    await withoutLeak(
      'SAM on webgpu',
      () =>
        compare(spec, (parameters: never) => {
          const p = parameters as Record<string, never>;
          const prompts = {
            points: tf.tensor([3, 4, 15, 9, 6, 18, 2, 2], [2, 1, 2, 2]),
            labels: tf.tensor([1, 0, -1, 1], [2, 1, 2]),
            boxes: tf.tensor([1, 2, 12, 17, 4, 3, 18, 9], [2, 1, 4]),
            masks: tensor([2, 1, 20, 20], 'an earlier mask'),
          };
          const whole = {
            positions: p.positions,
            imageEncoder: p.imageEncoder,
            promptEncoder: { ...(p.asked as object), noMask: tensor(noMask.shape, 'none') },
            maskDecoder: {
              ...(p.decoder as object),
              hypernetworks: [p.several[0], ...(p.several as never[])],
            },
          };
          const { masks, quality } = sam(whole as never, tensor([2, 20, 20, 3], 'images'), prompts, config);
          return [masks, quality];
        }),
      backend,
    );
  });

  it("SAM 3's trunk", async () => {
    const { sam3Trunk, sam3TrunkSpec } = await import('../../src/models/sam3/trunk.js');
    const config = { ...encoder, pretrainedSize: 12, rotaryBase: 100 };
    await withoutLeak(
      'the trunk on webgpu',
      () =>
        compare(sam3TrunkSpec(config), (parameters: never) => [
          sam3Trunk(parameters, tensor([2, 20, 20, 3], 'images'), config),
        ]),
      backend,
    );
  });
});
