// A SAM's weights in the study's network: beside the encoder and the decoder loaded by themselves (whose names and values the
// references check), what is drawn, what is not read, and what is said of files that do not fit.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { flattenTree } from '../../src/backends/training-step';
import { prefixed } from '../../src/backends/tree';
import { loadTriSiamese, triSiameseNames } from '../../src/models/load-tri-siamese';
import { models } from '../../src/models/registry';
import { decoderNames } from '../../src/models/sam/decoder-names';
import { encoderNames } from '../../src/models/sam/encoder-names';
import { loadDecoder, loadImageEncoder } from '../../src/models/sam/load';
import { samHead } from '../../src/models/sam-head';
import type { TriSiamese } from '../../src/models/tri-siamese';
import { maskHead, triSiameseSpec } from '../../src/models/tri-siamese';
import { flattenParameters, normal, Parameter } from '../../src/nn/parameters';
import type { TensorSource } from '../../src/nn/tensor-source';
import type { Theirs } from '../../src/nn/weight-names';
import { withoutLeak } from '../setup/leaks';
import { sources, weightOf } from './encoder-cases';

const { config: tiny } = models['tiny-64'];
const config = {
  encoder: { ...tiny.encoder, imageSize: 20, patchSize: 4, width: 8, depth: 3, heads: 2, hidden: 12, window: 2, globalBlocks: [1], neck: 32 }, // prettier-ignore
  prompts: { ...tiny.prompts, imageSize: 20, patchSize: 4, width: 32, frequencies: 16 },
  decoder: { ...tiny.decoder, width: 32, heads: 2, hidden: 24, iouHidden: 32 },
};
const lora = { rank: 2, alpha: 2, first: 1 };
const networkOf = (own: Partial<TriSiamese> = {}): TriSiamese => ({
  encoder: config.encoder,
  lora,
  head: samHead(config),
  input: 'images',
  ...own,
});

type Sources = (typeof sources)[number];
interface Counted extends TensorSource {
  reads: string[];
}
/** A whole SAM as a file. @param change  of its tensors' shapes by their names; undefined: no such tensor */
function fileOf(source: Sources, change: Record<string, readonly number[] | undefined> = {}): Counted {
  const all = [encoderNames(config.encoder, source), decoderNames(config, source)];
  const shapes: Record<string, readonly number[] | undefined> = {
    ...Object.fromEntries(all.flatMap(Object.values<Theirs>).map(({ name, shape }) => [name, shape])),
    ...change,
  };
  const reads: string[] = [];
  return {
    file: 'sam.safetensors',
    reads,
    names: () => Object.keys(shapes).filter((name) => shapes[name] !== undefined),
    shapeOf: (name) => shapes[name]!,
    read(name) {
      reads.push(name);
      return Promise.resolve(weightOf({ name, shape: shapes[name]! }));
    },
  };
}
const freed = (tree: object): void => tf.dispose(Object.values(flattenTree(tree as never)));
const valuesOf = (tree: object): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(flattenTree(tree as never)).map(([path, one]) => [path, [...one.dataSync()]]),
  );

beforeAll(async () => {
  await (await loadCandidate('cpu')).open();
  await tf.setBackend('cpu');
});

describe.each(sources)('a file of %s', (source) => {
  let expected: Record<string, number[]>;
  let drop: object;
  beforeAll(async () => {
    const encoder = await loadImageEncoder(config.encoder, fileOf(source));
    const decoder = await loadDecoder(config, fileOf(source));
    drop = { encoder, decoder };
    expected = { ...prefixed('frozen/encoder', valuesOf(encoder)), ...valuesOf(decoder) };
  });
  afterAll(() => freed(drop));

  it.each([
    [1, 'images'],
    [3, 'images'],
    [1, 'features'],
  ] as const)('fills the encoder and a head of %i classes, %s given', async (classes, input) => {
    const network = networkOf({ head: samHead(config, classes), input });
    const file = fileOf(source);
    await withoutLeak('loading', async () => {
      const parameters = await loadTriSiamese(network, file, { seed: 5 });
      const found = valuesOf(parameters);
      expect(Object.keys(found).sort()).toEqual(
        Object.keys(flattenParameters(triSiameseSpec(network))).sort(),
      );
      const published = Object.keys(found).filter((path) => !path.startsWith('trained/adapters/'));
      for (const path of published) {
        const own = path
          .replace(/^(trained|frozen)\/head\/noMask$/, 'promptEncoder/noMask')
          .replace(/^frozen\/head\/positions$/, 'positions')
          .replace(/^(trained|frozen)\/head\//, 'maskDecoder/')
          // Several masks are those after the mask of a clear prompt.
          .replace(
            /hypernetworks\/(\d)/,
            (_, k: string) => `hypernetworks/${Number(k) + (classes > 1 ? 1 : 0)}`,
          );
        expect(found[path], path).toEqual(expected[own]);
      }
      expect(file.reads.sort()).toEqual(
        Object.values(triSiameseNames(network, source)).map(({ name }) => name).sort(), // prettier-ignore
      );
      freed(parameters);
    });
    const [block, embed] = source === 'original' ? ['blocks', 'proj.'] : ['layers', 'projection'];
    const before = file.reads.filter((name) => name.includes(`${block}.0.attn.qkv`) || name.includes(`embed.${embed}`)); // prettier-ignore
    expect(before.length).toBe(input === 'images' ? 4 : 0);
    expect(file.reads.some((name) => name.includes(`${block}.1.attn.qkv`))).toBe(true);
  });
});

describe('what no file has', () => {
  it('adapters: a drawn from the seed, b zero, none before the first adapted block', async () => {
    const adaptersOf = async (seed: number): Promise<Record<string, number[]>> => {
      const parameters = await loadTriSiamese(networkOf(), fileOf('original'), { seed });
      const values = valuesOf(parameters.trained.adapters);
      freed(parameters);
      return values;
    };
    const one = await adaptersOf(1);
    expect(Object.keys(one)).toEqual([1, 2].flatMap((k) => ['q/a', 'q/b', 'v/a', 'v/b'].map((at) => `${k}/${at}`))); // prettier-ignore
    for (const [path, values] of Object.entries(one)) {
      expect(
        values.every((value) => value === 0),
        path,
      ).toBe(path.endsWith('b'));
      if (path.endsWith('a')) expect(new Set(values).size).toBe(values.length);
    }
    expect(await adaptersOf(1)).toEqual(one);
    expect((await adaptersOf(2))['1/q/a']).not.toEqual(one['1/q/a']);
  });

  it('a head of one’s own: drawn as well, and the decoder is passed by', async () => {
    const head = maskHead({
      trained: { weight: new Parameter([32, 1], normal(1)) },
      frozen: { bias: new Parameter([1], normal(1)) },
      logits: (_, features) => features,
    });
    const file = fileOf('transformers');
    const parameters = await loadTriSiamese(networkOf({ head }), file, { seed: 1 });
    const { weight } = valuesOf(parameters.trained.head);
    expect(new Set(weight).size).toBe(32);
    expect(file.reads.every((name) => name.startsWith('vision_encoder.'))).toBe(true);
    freed(parameters);
  });
});

it('passes the copy by that transformers may write', async () => {
  const copy = { 'prompt_encoder.shared_embedding.positional_embedding': [2, 16] };
  freed(await loadTriSiamese(networkOf(), fileOf('transformers', copy), { seed: 1 }));
});

it('lists at once what is missing, of another shape and of no SAM of this form; nothing is read', async () => {
  const file = fileOf('original', {
    'image_encoder.blocks.1.attn.qkv.bias': undefined,
    'mask_decoder.iou_token.weight': undefined,
    'image_encoder.pos_embed': [1, 4, 4, 8],
    'mask_decoder.mask_tokens.weight': [5, 32],
    'image_encoder.blocks.3.norm1.weight': [8],
    'mask_decoder.output_hypernetworks_mlps.4.layers.0.bias': [32],
    'head.weight': [1],
    // Nobody prompts: what is not needed may be missing.
    'prompt_encoder.point_embeddings.0.weight': undefined,
  });
  const loading = withoutLeak('loading', () => loadTriSiamese(networkOf(), file, { seed: 1 }));
  await expect(loading).rejects.toThrow(
    'given 2 missing: mask_decoder.iou_token.weight, image_encoder.blocks.1.attn.qkv.bias; ' +
      '2 of another shape: mask_decoder.mask_tokens.weight [5, 32] where [4, 32] is needed, ' +
      'image_encoder.pos_embed [1, 4, 4, 8] where [1, 5, 5, 8] is needed; ' +
      '3 not of this model: image_encoder.blocks.3.norm1.weight, mask_decoder.output_hypernetworks_mlps.4.layers.0.bias, head.weight',
  );
  expect(file.reads).toEqual([]);
});

it('refuses a file that is no SAM', async () => {
  const file = { ...fileOf('original'), names: () => ['head.weight'] };
  await expect(loadTriSiamese(networkOf(), file, { seed: 1 })).rejects.toThrow(
    'given 1 tensors: head.weight, expected names that begin with vision_encoder. or image_encoder.',
  );
});
