// How much memory cards have: what a program can have at most.
import { cards } from '../cards';

export interface CardMemory {
  readonly title: string;
  /** As its driver shows it; on Apple's chips what Metal recommends as the most for a program. */
  readonly bytes: number;
  readonly source: string;
}

const MiB = 2 ** 20;
const smi = (title: string, mebibytes: number, source: string): CardMemory => ({
  title,
  bytes: mebibytes * MiB,
  source: `nvidia-smi: ${mebibytes} MiB (${source})`,
});
/** Cards whose data sheet is at hand. */
const known = (name: keyof typeof cards, title: string): CardMemory =>
  smi(title, cards[name].shown / MiB, 'modal-labs/modal-client, pull request 2797');
/**
 * Processor and graphics share the memory; Metal's `recommendedMaxWorkingSetSize` is two thirds of 32 GB and less, three quarters of
 * more. Newer systems recommend somewhat more.
 */
const apple = (gigabytes: number): CardMemory => ({
  title: `Apple, ${gigabytes} GB`,
  bytes: Math.floor(gigabytes * 1024 * (gigabytes <= 32 ? 2 / 3 : 3 / 4)) * MiB,
  source:
    'recommendedMaxWorkingSetSize: 21845 MiB of 32 GB (ollama/ollama, issue 434), 73728 MiB of 96 GB (ggml-org/llama.cpp, issue 3213); others by the same shares',
});

export const cardMemories = {
  t4: known('t4', 'T4'),
  l4: smi('L4', 23_034, 'modal-labs/modal-client, pull request 2797'),
  'rtx-3090': smi('RTX 3090', 24_576, 'noonghunna/club-3090, issue 1127'),
  'rtx-4090': smi('RTX 4090', 24_564, 'SpatialLM, issue 28'),
  'rtx-5090': smi('RTX 5090', 32_607, 'noonghunna/club-3090, issue 1261'),
  'v100-16': smi('V100, 16 GB', 16_384, 'NVIDIA V100 data sheet (2020); older drivers show 16160'),
  'v100-32': smi('V100, 32 GB', 32_768, 'NVIDIA V100 data sheet (2020); older drivers show 32510'),
  'a100-40': known('a100-40', 'A100, 40 GB'),
  'a100-80': known('a100-80', 'A100, 80 GB'),
  'h100-80': known('h100-80', 'H100, 80 GB'),
  h200: smi('H200', 143_771, 'NVIDIA H200 data sheet (2024): 141 GB'),
  'apple-16': apple(16),
  'apple-32': apple(32),
  'apple-64': apple(64),
  'apple-96': apple(96),
  'apple-128': apple(128),
  'apple-192': apple(192),
} as const satisfies Record<string, CardMemory>;

export type CardMemoryName = keyof typeof cardMemories;
export const cardMemoryNames = Object.keys(cardMemories) as CardMemoryName[];
