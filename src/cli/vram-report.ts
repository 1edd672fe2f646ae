// What `coc vram` prints where nobody asks for JSON.
import { models } from '../models/registry';
import { tableText } from '../plots/tables';
import type { Answer, OnCard, PolicyRow, StackAnswer } from '../profilers/vram/answer';
import type { CardMemoryName } from '../profilers/vram/card-memory';
import type { Stack } from '../profilers/vram/need';
import type { Setting } from '../profilers/vram/setting';
import { batchText, cardText } from '../results/card-text';

const GiB = 2 ** 30;
const MiB = 2 ** 20;

/** `8.53 GiB`, `31.8 MiB`. */
const size = (bytes: number): string =>
  bytes >= GiB ? `${(bytes / GiB).toFixed(2)} GiB` : `${(bytes / MiB).toFixed(bytes < 10 * MiB ? 2 : 1)} MiB`;

/** `37.26 TFLOP`, `2.23 GFLOP`. */
const work = (flops: number): string =>
  flops >= 1e11 ? `${(flops / 1e12).toFixed(2)} TFLOP` : `${(flops / 1e9).toFixed(2)} GFLOP`;

/** Cards of the policy table: those that the study names, or the one that was asked for. */
const shownInTable: readonly CardMemoryName[] = ['t4', 'a100-40'];

const stackTitles: Record<Stack, string> = {
  pytorch: 'PyTorch (derived)',
  tfjs: 'TensorFlow.js (dry run)',
};

/** `SAM ViT-H, 1024 px, 3 views, batch 1, fp32, adapters of rank 4 from block 0 on and the decoder, adam`. */
function settingText(setting: Omit<Setting, 'policy'>): string {
  const { model, size: pixels, views, batch, precision, trained, optimiser, attention } = setting;
  const what =
    trained.kind === 'lora'
      ? `adapters of rank ${trained.rank} from block ${trained.first} on and the decoder trained`
      : trained.kind === 'all'
        ? 'everything trained'
        : 'the decoder trained';
  const parts = [models[model].title, `${pixels} px`, `${views} view${views > 1 ? 's' : ''}`, `batch ${batch}`, precision, what, optimiser]; // prettier-ignore
  return [...parts, ...(attention ? [`attention ${attention}`] : [])].join(', ');
}

/** An answer for a terminal. */
export function answerText(answer: Answer): string {
  const { setting, policy, stack, other, otherMissing, cards } = answer;
  const answers: StackAnswer[] = other ? [answer, other] : [answer];
  const row = (title: string, of: (one: StackAnswer) => string): Record<string, string> =>
    Object.fromEntries([['title', title], ...answers.map((one) => [one.stack, of(one)])]) as Record<string, string>; // prettier-ignore
  const needs = tableText({
    columns: [
      { key: 'title', title: 'One training step' },
      ...answers.map((one) => ({ key: one.stack, title: stackTitles[one.stack], align: 'right' as const })),
    ],
    rows: [
      row('peak', (one) => size(one.peakBytes)),
      row('beyond weights', (one) => size(one.peakBeyondWeightsBytes)),
      ...Object.keys(answer.byCategory).map((name) =>
        row(`  ${name}`, (one) => size(one.byCategory[name as keyof Answer['byCategory']])),
      ),
      row('kept for backward', (one) => (one.savedBytes === null ? 'not told' : size(one.savedBytes))),
      row('peak in', (one) => one.layerAtPeak),
      row('arithmetic', (one) => work(one.flops)),
      row('over the plain tape', (one) => `${one.flopsOverTape.toFixed(2)} x`),
    ],
  });
  const on = (said: OnCard | null): string =>
    said === null ? 'not told' : cardText(said.fits, said.largestBatch);
  const fits = tableText({
    columns: [
      { key: 'card', title: 'Card' },
      { key: 'memory', title: 'Shown', align: 'right' },
      ...answers.map((one) => ({ key: one.stack, title: stackTitles[one.stack] })),
    ],
    rows: cards.map(({ title, bytes, pytorch, tfjs }) => ({
      card: title,
      memory: size(bytes),
      pytorch: on(pytorch),
      tfjs: on(tfjs),
    })),
  });
  return [
    `${settingText(setting)}\npolicy ${policy}, stack ${stack}`,
    needs,
    fits,
    [
      ...answers.flatMap((one) => one.notes.map((note) => `${stackTitles[one.stack]}: ${note}`)),
      ...(otherMissing === null ? [] : [`The other stack: ${otherMissing}`]),
    ].join('\n'),
  ].join('\n\n');
}

/** The table of all policies for a terminal. */
export function policyTableText(
  rows: readonly PolicyRow[],
  batches: readonly number[],
  setting: Omit<Setting, 'policy'>,
): string {
  const all = Object.keys(rows[0].largestBatch) as CardMemoryName[];
  const cards = all.length === 1 ? all : shownInTable;
  const table = tableText({
    columns: [
      { key: 'policy', title: 'Policy' },
      { key: 'over', title: 'FLOP over tape', digits: 2 },
      ...batches.map((batch) => ({ key: `b${batch}`, title: `Peak, batch ${batch}`, align: 'right' as const })), // prettier-ignore
      ...cards.map((card) => ({ key: card, title: `Most on ${card}`, align: 'right' as const })),
    ],
    rows: rows.map(({ policy, flopsOverTape, peakBytes, largestBatch }) => ({
      policy,
      over: flopsOverTape,
      ...Object.fromEntries(batches.map((batch, k) => [`b${batch}`, size(peakBytes[k])])),
      ...Object.fromEntries(cards.map((card) => [card, batchText(largestBatch[card]!)])),
    })),
  });
  return `${settingText(setting)}\n\n${table}\n\nMost: the largest batch that fits.`;
}
