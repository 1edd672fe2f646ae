// The nets that are timed, dry-run, tracked and captured.
import { loraVit } from './lora-vit';
import { unet3d } from './unet3d';
import type { Plan } from './workload';

export { loraVit } from './lora-vit';
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
  unet3d({ size: 32, base: 16, levels: 3, classes: 3 }),
  unet3d({ size: 48, base: 16, levels: 3, classes: 3 }),
  unet3d({ size: 64, base: 16, levels: 3, classes: 3 }),
];
