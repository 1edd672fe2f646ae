// What each row is to reach on a processor, against the fastest of PyTorch, torch.compile and jax.jit; and for a row that
// misses, what limits it and what was tried.
import type { Plan } from '../nets';
import type { Parameter, ParameterTree } from '../../../src/nn/parameters';
import { countParameters, flattenParameters } from '../../../src/nn/parameters';

/** Goals of rows of their own name. */
const byName: Readonly<Record<string, number>> = {
  'LoRA-ViT 64 px, width 192, 6 blocks, 1 view': 1.05,
  'LoRA-ViT 64 px, width 192, 6 blocks, 3 views': 0.95,
  'LoRA-ViT 128 px, width 384, 12 blocks, 1 view': 0.8,
  'LoRA-ViT 128 px, width 384, 12 blocks, 3 views': 0.8,
  'U-Net 32 cubed, base 16': 0.3,
  'U-Net 48 cubed, base 16': 0.6,
  'U-Net 64 cubed, base 16': 0.85,
};

/** Products and convolutions from this size on have a goal; smaller ones are reported. */
const leastSize = 512;
const ofOperations = 1.1;

/**
 * The size of a product or convolution: the side of the square product with as many multiplications. Of a convolution one
 * pass counts, of a batch one product.
 */
export function sizeOf({ kind, flop, frozen }: Plan): number | undefined {
  if (kind === 'product') {
    const [a] = Object.values(flattenParameters(frozen)) as [Parameter];
    return Math.min(a.shape.at(-2)!, a.shape.at(-1)!) >= leastSize ? a.shape.at(-2)! : Math.cbrt(flop / 2);
  }
  return kind === 'convolution' ? Math.cbrt(flop / 3 / 2) : undefined;
}

/** The most that our time may be of the fastest peer's; null for a row that is reported alone. */
export function goalOf(plan: Plan): number | null {
  const size = sizeOf(plan);
  return byName[plan.name] ?? (size !== undefined && size >= leastSize ? ofOperations : null);
}

/**
 * Bytes that a step cannot do without: inputs and frozen parameters read once, trained ones and the optimiser's state read
 * and written once.
 */
export function leastBytes({ inputs, frozen, trained, optimiser }: Plan): number {
  const count = (tree: ParameterTree): number => countParameters(tree);
  const perTrained = optimiser.name.startsWith('adam') ? 6 : 2;
  return 4 * (count(inputs) + count(frozen) + perTrained * count(trained));
}

/** Of a row that misses: the limit, the profile and the attempts, with numbers. Printed with the row. */
export const misses: Readonly<Record<string, string>> = {};
