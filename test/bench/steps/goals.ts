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
  'tri-siamese 64 px, width 192, 6 blocks': 0.95,
  'tri-siamese 128 px, width 384, 12 blocks': 0.8,
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
export const misses: Readonly<Record<string, string>> = (() => {
  const large =
    'FLOP limit (22 November 2026, 2 cores of an AMD EPYC without AVX-512): the products of one view alone, as a graph, take ' +
    '106.9 ms (weights, 203 GFLOP/s) + 21.5 (attention, 168) + 7.0 (adapters) = 135 ms, by XLA 137, in PyTorch 146; a goal of ' +
    '0.8 leaves 4 ms for all else, which takes 28. Probe code that met the goal on a processor of 293 GFLOP/s takes 181 to 233 ms ' +
    "here. Tried: XLA for all but the products, in 187 functions, 167 ms (graph 169, XLA 164); TensorFlow's own clusters 174 to " +
    '179; without oneDNN 190; 1 and 4 threads between operations 166 and 162; both adapters of a layer by one product 169 to 175.';
  const small =
    'Near the goal on both sides of it: 1.03 and 1.10 with one view, 0.91 and 0.96 with three, in runs of one day (22 November ' +
    '2026, 2 cores of an AMD EPYC without AVX-512). Of 10.9 ms of one view the products take 6.9 by XLA (88 GFLOP/s: each ' +
    'weight meets only 64 tokens; 8.1 as a graph, 8.8 in PyTorch), the update 0.6, some 600 small kernels the rest. Tried: ' +
    'fourteen flags of XLA (library products, vector width, scheduler), 1 thread between operations, 3 within: slower, or within the ' +
    'noise; both adapters by one product 10.2 for 10.3; as a graph 17.4.';
  const planes =
    'FLOP limit (23 November 2026, 2 cores of an AMD EPYC without AVX-512): at the rate of its best product this machine needs ' +
    '369 ms at 128 px, so that a goal of 0.8 leaves 64 ms of 433 for small products of attention, norms, GELU and softmax. Ours ' +
    'alone takes 445 by XLA and 506 as a graph, in turns with the others 451 to 525, torch.compile 502 to 542: 0.90 by the least ' +
    'times, 0.97 by the medians. At 64 px 25.8 to 29.4 against 27.8 to 30.7. Tried: padding of windows no longer multiplied, 471 ' +
    'to 445 and 30.5 to 29.9; relative positions added to the map, and not as columns of its product: the graph then ends in ' +
    "INVALID_ARGUMENT of TensorFlow, though the operation alone does not; what was tried for LoRA-ViT's rows.";
  return {
    'tri-siamese 64 px, width 192, 6 blocks': planes,
    'tri-siamese 128 px, width 384, 12 blocks': planes,
    'LoRA-ViT 64 px, width 192, 6 blocks, 1 view': small,
    'LoRA-ViT 64 px, width 192, 6 blocks, 3 views': small,
    'LoRA-ViT 128 px, width 384, 12 blocks, 1 view': large,
    'LoRA-ViT 128 px, width 384, 12 blocks, 3 views': large,
  };
})();
