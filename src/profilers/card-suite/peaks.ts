// Which of the cards with a data sheet is this one?
import type { Card } from '../cards';
import { cards } from '../cards';

/** The H200: the processor of the H100 with more and faster memory. */
const h200: Card = {
  ...cards['h100-80'],
  name: 'NVIDIA H200 (141 GB, SXM)',
  memoryBandwidth: 4800e9,
  memory: 141e9,
  shown: 143_771 * 2 ** 20,
  source: 'NVIDIA H200 data sheet (2024), rates with sparsity halved',
};

/**
 * The data sheet of a card.
 * @param name       as `nvidia-smi` gives it: `NVIDIA H100 80GB HBM3`
 * @param memoryMiB  as `nvidia-smi` gives it
 * @returns undefined where no data sheet is at hand: forms for PCIe are slower than those for SXM, and have none here
 */
export function dataSheetOf(name: string, memoryMiB: number): Card | undefined {
  const is = (pattern: RegExp): boolean => pattern.test(name);
  if (is(/\bT4\b/)) return cards.t4;
  // The two forms of the A100 differ in their memory alone.
  if (is(/\bA100\b/)) return memoryMiB > 60_000 ? cards['a100-80'] : cards['a100-40'];
  if (is(/\bL40\b/)) return cards.l40;
  if (is(/\bH100\b.*\bHBM3\b/)) return cards['h100-80'];
  if (is(/\bH200\b/) && !is(/\bNVL\b/)) return h200;
  return undefined;
}
