// Our own step, dry: what it allocates on TensorFlow.js, to the byte, in a second and without computing.
import { dryRunStep } from '../../backends/meta/dry-run';
import type { DryRunPart } from './dry-reading';
import type { Growth, Line, Moment } from './growth';
import { flopLineOf, markingBatch, memoryByLayer, memoryGrowth, sumOf } from './growth';
import type { BatchlessSetting } from './setting';
import { vramStep } from './step';

/**
 * One dry run of a setting: of one sample or of two (lines that do not rise), or of any larger batch, where its policy is not
 * `chunked`.
 * @throws InputError for a setting that there is not on TensorFlow.js
 */
export function dryRunOf(setting: BatchlessSetting, part: DryRunPart): Growth {
  const { trained, size } = setting;
  const marking = markingBatch([size, ...(trained.kind === 'lora' ? [trained.rank] : [])]);
  const batch = { one: 1, two: 2, more: marking }[part];
  const level = part === 'more' ? undefined : (fixed: number): Line => ({ fixed, each: 0 });
  const { step, inputs } = vramStep({ ...setting, batch });
  const flops = { fixed: 0, each: 0 };
  const { ledger } = dryRunStep(step as never, inputs, {
    like: 'tensorflow',
    kernel({ products, elements }, call) {
      const outputs = call.outputs.reduce((sum, { size: own }) => sum + own, 0);
      for (const total of [products, elements]) {
        const { fixed, each } = level?.(total) ?? flopLineOf(total, outputs, marking);
        flops.fixed += fixed;
        flops.each += each;
      }
    },
  });
  const memory = part === 'more' ? memoryGrowth(ledger, marking) : memoryByLayer(ledger);
  const moments = trained.kind === 'all' ? memory.moments.map(withoutAdapters) : memory.moments;
  return { ...memory, moments, flops };
}

/** A ledger calls all that is trained beside something frozen adapters; where everything is trained it is the weights. */
function withoutAdapters({ byCategory, ...moment }: Moment): Moment {
  const { weights, adapters } = byCategory;
  return {
    ...moment,
    byCategory: { ...byCategory, weights: sumOf([weights, adapters]), adapters: { fixed: 0, each: 0 } },
  };
}
