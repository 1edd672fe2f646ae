// Cards: what their makers say they can do at best. Peak rates set a lower bound on the time of a step, and so an
// upper bound on the share that anything else can have in it.

/** Number formats a network is trained in. `half` is fp16 or bf16 on matrix units with fp32 sums. */
export type Precision = 'fp32' | 'tf32' | 'half';

/** A graphics card by its data sheet. Rates are dense (no structured sparsity), one multiply-add = 2 FLOP. */
export interface Card {
  name: string;
  /** Peak FLOP/s; null where the card lacks the format. */
  flops: Record<Precision, number | null>;
  /** Peak bytes a second between card and its own memory. */
  memoryBandwidth: number;
  /** Bytes of memory as sold (GB = 1e9). */
  memory: number;
  /**
   * Bytes that the driver shows: what a program can have at most. As nvidia-smi reports them (modal-labs/modal-client,
   * pull request 2797; for the L40 the value of the L40S there, which has the same memory).
   */
  shown: number;
  /** Peak bytes a second from the host to the card, one direction. */
  hostLink: number;
  source: string;
}

/** PCIe x16, one direction, after line coding: 8 GT/s and 128b/130b for generation 3, doubled with each generation. */
const pcie = (generation: 3 | 4 | 5): number => (16 * 8e9 * 2 ** (generation - 3) * (128 / 130)) / 8;

const MiB = 2 ** 20;

/** The cards the study names (T4, A100), the one that view alignment was trained on, and one newer. */
export const cards = {
  t4: {
    name: 'NVIDIA T4 (16 GB)',
    flops: { fp32: 8.1e12, tf32: null, half: 65e12 },
    memoryBandwidth: 320e9,
    memory: 16e9,
    shown: 15_360 * MiB,
    hostLink: pcie(3),
    source: 'NVIDIA T4 data sheet (2019)',
  },
  'a100-40': {
    name: 'NVIDIA A100 (40 GB)',
    flops: { fp32: 19.5e12, tf32: 156e12, half: 312e12 },
    memoryBandwidth: 1555e9,
    memory: 40e9,
    shown: 40_960 * MiB,
    hostLink: pcie(4),
    source: 'NVIDIA A100 data sheet (2020)',
  },
  'a100-80': {
    name: 'NVIDIA A100 (80 GB, SXM)',
    flops: { fp32: 19.5e12, tf32: 156e12, half: 312e12 },
    memoryBandwidth: 2039e9,
    memory: 80e9,
    shown: 81_920 * MiB,
    hostLink: pcie(4),
    source: 'NVIDIA A100 data sheet (2021)',
  },
  l40: {
    name: 'NVIDIA L40 (48 GB)',
    flops: { fp32: 90.5e12, tf32: 90.5e12, half: 181.05e12 },
    memoryBandwidth: 864e9,
    memory: 48e9,
    shown: 46_068 * MiB,
    hostLink: pcie(4),
    source: 'NVIDIA L40 data sheet (2022), rates with sparsity halved',
  },
  'h100-80': {
    name: 'NVIDIA H100 (80 GB, SXM)',
    flops: { fp32: 67e12, tf32: 494.7e12, half: 989.4e12 },
    memoryBandwidth: 3350e9,
    memory: 80e9,
    shown: 81_559 * MiB,
    hostLink: pcie(5),
    source: 'NVIDIA H100 data sheet (2022), rates with sparsity halved',
  },
} satisfies Record<string, Card>;

export type CardName = keyof typeof cards;
