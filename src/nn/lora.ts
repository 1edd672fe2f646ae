// Low-rank adapters (LoRA, Hu et al. 2022, arXiv 2106.09685) beside the queries and the values of a transformer's blocks: what
// they weigh, and how they go into the frozen weights and out again.
import { tf } from '../backends/tf';
import { InputError } from '../base/errors';
import type { Adapter } from './linear';
import { adapterSpec } from './linear';
import type { TensorsOf } from './parameters';

export interface LoraConfig {
  /** Channels inside an adapter. */
  readonly rank: number;
  /** What an adapter adds is multiplied with alpha / rank. Where a paper has no such factor (SAMed), alpha is the rank. */
  readonly alpha: number;
  /** The first block that has adapters, counted from 0; all after it have them as well. */
  readonly first: number;
}

type AdapterSpec = ReturnType<typeof adapterSpec>;
type LoraSpec = readonly Readonly<Partial<Record<'q' | 'v', AdapterSpec>>>[];
/** Adapters by block; `{}` before the first adapted one. */
export type Lora = TensorsOf<LoraSpec>;

/**
 * Adapters for the blocks of an encoder. They start as nothing added: b is zero.
 * @param blocks  channels of a token, and how many blocks there are
 * @throws InputError for a rank, alpha or first block that there is not
 */
export function loraSpec(blocks: { width: number; depth: number }, config: LoraConfig): LoraSpec {
  const { width, depth } = blocks;
  checkLora(blocks, config);
  return Array.from({ length: depth }, (_, block) =>
    block < config.first
      ? {}
      : { q: adapterSpec(width, width, config.rank), v: adapterSpec(width, width, config.rank) },
  );
}

/** What the outputs of adapters are multiplied with. */
export const loraScale = ({ alpha, rank }: Pick<LoraConfig, 'alpha' | 'rank'>): number => alpha / rank;

function checkLora(
  { width, depth }: { width: number; depth: number },
  { rank, alpha, first }: LoraConfig,
): void {
  const refuse = (given: string, expected: string): never => {
    throw new InputError({
      what: 'cannot make adapters',
      given,
      expected,
      fix: 'rank 4, alpha 4 and first block 0 are what SAMed has',
    });
  };
  if (!Number.isInteger(rank) || rank < 1 || rank > width)
    refuse(`rank ${rank}`, `a whole number from 1 to ${width}, the width of the encoder`);
  if (!Number.isFinite(alpha) || alpha <= 0) refuse(`alpha ${alpha}`, 'a number above 0');
  if (!Number.isInteger(first) || first < 0 || first >= depth)
    refuse(`first adapted block ${first}`, `a whole number from 0 to ${depth - 1}, the last block`);
}

/** The part of a block that adapters stand beside: queries, keys and values in one weight [width, 3 width]. */
interface Adaptable {
  readonly qkv: { readonly weight: tf.Tensor };
}

/**
 * The same blocks with their adapters added to their weights: what they compute is the same, without the adapters' cost.
 * @returns blocks whose adapted weights are new tensors, the caller's to free; all else is as it was given
 */
export const mergeLora = <B extends Adaptable>(
  blocks: readonly B[],
  adapters: Lora,
  config: LoraConfig,
): B[] => withAdded(blocks, adapters, loraScale(config));

/** The way back: blocks whose weights have the adapters in them, and no longer. @returns as `mergeLora` */
export const unmergeLora = <B extends Adaptable>(
  blocks: readonly B[],
  adapters: Lora,
  config: LoraConfig,
): B[] => withAdded(blocks, adapters, -loraScale(config));

function withAdded<B extends Adaptable>(blocks: readonly B[], adapters: Lora, scale: number): B[] {
  if (adapters.length !== blocks.length)
    throw new InputError({
      what: 'cannot add adapters to weights',
      given: `adapters of ${adapters.length} blocks for ${blocks.length}`,
      expected: 'as many of the one as of the other',
      fix: 'give the adapters that were made for this encoder',
    });
  return blocks.map((block, k) => {
    const { q, v } = adapters[k];
    if (!q && !v) return block;
    const weight = tf.tidy(() => {
      const parts = tf.split(block.qkv.weight, 3, 1); // 3 of [width, width]
      return tf.concat([added(parts[0], q, scale), parts[1], added(parts[2], v, scale)], 1);
    });
    return { ...block, qkv: { ...block.qkv, weight } };
  });
}

const added = (weight: tf.Tensor, low: Adapter | undefined, scale: number): tf.Tensor =>
  low ? tf.add(weight, tf.mul(tf.matMul(low.a, low.b), scale)) : weight;
