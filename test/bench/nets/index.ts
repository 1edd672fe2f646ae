// The nets that are timed, dry-run, tracked and captured.
import { loraVit } from './lora-vit';
import { triSiamese } from './tri-siamese';
import { unet3d } from './unet3d';
import { attentionBlock, convolution, geluAlone, layerNormAlone, product } from './operations';
import type { Plan } from './workload';

export { loraVit } from './lora-vit';
export { triSiamese } from './tri-siamese';
export { unet3d } from './unet3d';
export { open, planForPeer } from './workload';
export type { Plan, Workload } from './workload';

const small = { image: 64, patch: 8, width: 192, depth: 6, heads: 3, rank: 4 };
const large = { image: 128, patch: 8, width: 384, depth: 12, heads: 6, rank: 4 };

/** Those of the bench, in its order. */
export const nets: readonly Plan[] = [
  loraVit({ ...small, views: 1 }),
  loraVit({ ...small, views: 3 }),
  loraVit({ ...large, views: 1 }),
  loraVit({ ...large, views: 3 }),
  triSiamese({ ...small, window: 3, globalBlocks: [2, 5], neck: 64 }),
  triSiamese({ ...large, window: 6, globalBlocks: [2, 5, 8, 11], neck: 128 }),
  unet3d({ size: 32, base: 16, levels: 3, classes: 3 }),
  unet3d({ size: 48, base: 16, levels: 3, classes: 3 }),
  unet3d({ size: 64, base: 16, levels: 3, classes: 3 }),
];

/** Single operations of the bench. */
export const operations: readonly Plan[] = [
  ...[256, 512, 1024, 2048].flatMap((n) => [product([n, n]), product([n, n], true), product([4, n, n])]),
  product([16, 1024, 64], true),
  convolution([32, 32], 32, 32),
  convolution([128, 128], 32, 64),
  convolution([128, 128], 64, 64, 2),
  convolution([32, 32, 32], 8, 16),
  convolution([32, 32, 32], 32, 32),
  convolution([48, 48, 48], 16, 16),
  convolution([48, 48, 48], 16, 32, 2),
  attentionBlock(64, 192, 3),
  attentionBlock(1024, 384, 6),
  layerNormAlone(4096, 384),
  geluAlone(4096, 1536),
];
