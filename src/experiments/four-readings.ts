// Memory of one and of three views in every reading that there is, side by side: as published, derived from shapes, by dry run, by
// TensorFlow's card allocator on a processor, and by the driver of a card. A reading that nobody could take has no number, and says why.
import { isCardRecord, rehearsalId } from '../profilers/card-suite/record';
import type { Result, Table } from '../results/result';

/** What is looked at: a result for one view and one for three, and why they are not what is published. */
interface Reading {
  reading: string;
  what: string;
  one?: string;
  three?: string;
  /** Of the difference. */
  cause: string;
}

const stacking = (rest: string): string => `activation-stacking.${rest}`;
const executed = (rest: string): string => `executed-step.${rest}`;

const readings: readonly Reading[] = [
  {
    reading: 'paper',
    what: 'activations, as the text has them',
    one: 'paper.vram-one-view',
    three: 'paper.vram-three-views',
    cause: 'precision, kernel of attention and batch are not said',
  },
  {
    reading: 'derived',
    what: "PyTorch, SAM ViT-H, float32, maps kept as in SAM's code: kept for the backward pass",
    one: stacking('whole.sam.fp32.materialised.one'),
    three: stacking('whole.sam.fp32.materialised.three'),
    cause: 'an attention map for every head and block, and numbers of full length',
  },
  {
    reading: 'derived',
    what: 'the same: peak of the step',
    one: stacking('whole-peak.sam.fp32.materialised.one'),
    three: stacking('whole-peak.sam.fp32.materialised.three'),
    cause: 'weights as well, and what the backward pass holds for a moment',
  },
  {
    reading: 'derived',
    what: 'PyTorch, SAM ViT-H, mixed precision, fused attention: kept for the backward pass',
    one: stacking('whole.sam.amp.fused.one'),
    three: stacking('whole.sam.amp.fused.three'),
    cause: 'no map is kept, and products have numbers of half the length',
  },
  {
    reading: 'derived',
    what: 'PyTorch, trunk of SAM 3, mixed precision, fused attention: kept for the backward pass',
    one: stacking('whole.sam3.amp.fused.one'),
    three: stacking('whole.sam3.amp.fused.three'),
    cause: 'the nearest: another encoder, which adds no positions to its maps',
  },
  {
    reading: 'dry run',
    what: 'ours on TensorFlow.js, SAM ViT-H, plain tape: beyond the weights',
    one: stacking('dry-run.tape.1'),
    three: stacking('dry-run.tape.3'),
    cause: 'a plain tape holds every tensor that an operation was given, read again or not',
  },
  {
    reading: 'dry run',
    what: 'ours, every technique at once: beyond the weights',
    one: stacking('dry-run.per-plane-recompute-lean-chunked.1'),
    three: stacking('dry-run.per-plane-recompute-lean-chunked.3'),
    cause: 'the graph of one block of one view at a time; the gradient is the same',
  },
  {
    reading: 'allocator (CPU)',
    what: "ours, really run under a limit: most inside TensorFlow's card allocator, weights and all",
    three: executed('inside.ours-three'),
    cause: 'bytes of tensors and of kernels, on a processor: that they fit, not that a card does',
  },
  {
    reading: 'process',
    what: 'PyTorch, SAM ViT-H, float32, really run on a processor: most resident memory, weights and all',
    one: executed('resident.torch-one'),
    three: executed('resident.torch-three'),
    cause: 'the peak of the derived step, and what libraries take',
  },
  {
    reading: 'process',
    what: 'PyTorch, blocks computed again, really run on a processor: most resident memory, weights and all',
    three: executed('resident.torch-checkpointed'),
    cause: 'the graph of one block at a time',
  },
];

const GB = 1e9;
const bytesOf: Readonly<Record<string, number>> = { GB, GiB: 2 ** 30, MiB: 2 ** 20 };

/** Gigabytes of a result, with why there are none. */
function gigabytes(
  id: string | undefined,
  results: ReadonlyMap<string, Result>,
): { value: number | null; why: string } {
  if (id === undefined) return { value: null, why: 'not run' };
  const ended = results.get(id.replace(/\.(?:resident|inside)\./, '.fits.'));
  if (ended !== undefined && ended.id !== id && ended.value === 0)
    return { value: null, why: `ran out of memory under its limit` };
  const found = results.get(id);
  if (found?.value === undefined) return { value: null, why: 'not recorded' };
  return { value: (found.value * bytesOf[found.unit]) / GB, why: '' };
}

/**
 * The readings side by side, with signed differences from the published numbers and what makes them.
 * @param results  of the studies activation-stacking and executed-step, the published numbers, and records of cards, by id
 */
export function fourReadings(results: ReadonlyMap<string, Result>): Table {
  const published = readings[0];
  const [paperOne, paperThree] = [published.one, published.three].map((id) => gigabytes(id, results).value);
  const less = (value: number | null, paper: number | null): number | null =>
    value === null || paper === null ? null : value - paper;
  const rows = readings.map(({ reading, what, one, three, cause }) => {
    const [a, b] = [gigabytes(one, results), gigabytes(three, results)];
    const missing = [a.why && `one view: ${a.why}`, b.why && `three views: ${b.why}`].filter(Boolean);
    return {
      reading,
      what,
      one: a.value,
      three: b.value,
      oneLess: reading === 'paper' ? null : less(a.value, paperOne),
      threeLess: reading === 'paper' ? null : less(b.value, paperThree),
      cause: [cause, ...missing].join('; '),
    };
  });
  const card = [...results.values()].some(({ study }) => isCardRecord(study) && study !== rehearsalId);
  const driver = {
    reading: 'driver',
    what: 'allocated and peak on a card, ours and PyTorch',
    one: null,
    three: null,
    oneLess: null,
    threeLess: null,
    cause: card
      ? 'a card was measured: its own tables have the numbers'
      : 'no card was at hand; `coc gpu-suite` takes this reading where there is one',
  };
  const signed = { digits: 2, unit: 'GB' };
  return {
    columns: [
      { key: 'reading', title: 'Reading', align: 'left' },
      { key: 'what', title: 'Of what', align: 'left' },
      { key: 'one', title: 'One view', unit: 'GB', digits: 2 },
      { key: 'three', title: 'Three views', unit: 'GB', digits: 2 },
      { key: 'oneLess', title: 'One, less the paper', ...signed },
      { key: 'threeLess', title: 'Three, less the paper', ...signed },
      { key: 'cause', title: 'Why', align: 'left' },
    ],
    rows: [...rows, driver],
  };
}
