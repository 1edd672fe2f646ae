// Training steps of the bench's nets: on tensorflow captured as a graph and compiled by XLA, on both engines called operation
// by operation.
import { z } from 'zod';
import type { Backend } from '../../backends/backend';
import { captureStep } from '../../backends/capture/capture';
import { eagerStep } from '../../backends/eager-step';
import { tf } from '../../backends/tf';
import { loadNets } from './nets';

/** What timing a step gives. */
export const steppedSchema = z.strictObject({
  /** Milliseconds of each step, waited for by itself. */
  samples: z.array(z.number().positive()).min(1),
  /** Milliseconds to open it and to run it once: capture and compilation are in it. */
  firstMs: z.number().positive(),
  /** Losses of the first steps: what all ways must agree on. */
  losses: z.array(z.number()),
});
export type Stepped = z.infer<typeof steppedSchema>;

/** How a step is run. */
export const ways = ['captured', 'xla', 'eager'] as const;
export type Way = (typeof ways)[number];

const small = { image: 64, patch: 8, width: 192, depth: 6, heads: 3, rank: 4 };
const large = { image: 128, patch: 8, width: 384, depth: 12, heads: 6, rank: 4 };

type NetName = 'loraVit' | 'unet3d';
type Sizes = Record<string, [NetName, object]>;
const sizes: Sizes = {
  'lora-vit-64-1-view': ['loraVit', { ...small, views: 1 }],
  'lora-vit-64-3-views': ['loraVit', { ...small, views: 3 }],
  'lora-vit-128-1-view': ['loraVit', { ...large, views: 1 }],
  'lora-vit-128-3-views': ['loraVit', { ...large, views: 3 }],
  'unet3d-32': ['unet3d', { size: 32, base: 16, levels: 3, classes: 3 }],
  'unet3d-64': ['unet3d', { size: 64, base: 16, levels: 3, classes: 3 }],
};
const rehearsed: Sizes = {
  'lora-vit-16-2-views': [
    'loraVit',
    { image: 16, patch: 8, width: 16, depth: 1, heads: 2, rank: 2, views: 2 },
  ],
  'unet3d-8': ['unet3d', { size: 8, base: 4, levels: 2, classes: 2 }],
};

/** `unet3d-32 captured`. */
export function stepNames(rehearse: boolean, some: readonly Way[]): string[] {
  return Object.keys(rehearse ? rehearsed : sizes).flatMap((net) => some.map((way) => `${net} ${way}`));
}

/** Steps that are compared by their losses, and steps that are timed. */
const compared = 4;
const timed = (rehearse: boolean): number => (rehearse ? 2 : 20);

/** The same steps as torch_card.py takes them. */
export function stepsForPeer(rehearse: boolean, ids: readonly string[]): object[] {
  const nets = loadNets();
  return ids.map((id) => {
    const [kind, size] = (rehearse ? rehearsed : sizes)[id.split(' ')[0]];
    return { id, plan: nets.planForPeer(nets[kind](size)), compared, steps: timed(rehearse) };
  });
}

/** Runs steps by their names. */
export function stepsRunner({
  rehearse,
}: {
  rehearse: boolean;
}): (backend: Backend, id: string) => Promise<Stepped> {
  return async (backend, id) => {
    const [net, way] = id.split(' ');
    const [kind, size] = (rehearse ? rehearsed : sizes)[net];
    const nets = loadNets();
    const { definition, inputs, dispose } = nets.open(nets[kind](size));
    const began = performance.now();
    const step =
      way === 'eager'
        ? eagerStep(backend, definition)
        : await captureStep(backend, definition, { inputs, compiler: way === 'xla' ? 'xla' : 'graph' });
    const lossOf = async (): Promise<number> => {
      const outputs = await step.run(inputs);
      const [loss] = await outputs.loss.data();
      tf.dispose(outputs);
      return loss;
    };
    try {
      const losses = [await lossOf()];
      const firstMs = performance.now() - began;
      while (losses.length < compared) losses.push(await lossOf());
      const samples: number[] = [];
      for (let k = 0; k < timed(rehearse); k++) {
        const start = performance.now();
        await lossOf();
        samples.push(performance.now() - start);
      }
      return { samples, firstMs, losses };
    } finally {
      step.dispose();
      dispose();
      backend.flush();
    }
  };
}
