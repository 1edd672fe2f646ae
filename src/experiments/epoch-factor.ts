// How much of "4.5 times as long" can reading planes be? Findings from gather times, FLOPs and data sheets.
import { median } from '../base/interval';
import type { CardName } from '../profilers/cards';
import { cards } from '../profilers/cards';
import type { DecompressionTimes } from '../profilers/decompression';
import { encoderFlops } from '../profilers/flops';
import {
  assumedUtilisation,
  factorOf,
  recomputedFactor,
  secondsForShare,
  shareOfStep,
  views,
  viewSeconds,
} from '../profilers/step-share';
import type { StrideProfile } from '../profilers/stride';
import type { Findings } from './findings';
import { triplesOf } from './stride-findings';

/** What the study states (section 4.3). */
const published = 4.5;
/** The cards that shares are given for; the last is the fastest, where a gather weighs most. */
const shown = ['t4', 'a100-40', 'h100-80'] as const satisfies readonly CardName[];
const fastest = 'h100-80';
const perSecond = 1e6;

const peakSource = 'FLOPs of the encoder (adapterStep) / peak rate of the data sheet, half precision';

/** Shares of a step, and the factor 4.5 apportioned. */
export function epochFindings(
  found: Findings,
  profile: StrideProfile,
  decompression: DecompressionTimes | undefined,
): void {
  const { planes } = profile;
  found.add({
    id: 'factor.published',
    title: 'Time of an epoch over that of the baseline, as published',
    kind: 'paper',
    unit: '1',
    value: published,
    uncertainty: null,
    source: 'The cost of consistency, section 4.3',
  });
  found.add({
    id: 'utilisation',
    title: 'Share of the peak rate that a training run reaches',
    kind: 'assumed',
    unit: '1',
    value: assumedUtilisation,
    uncertainty: null,
    source: 'an assumption, to show what a lower rate does; shares at most are given at the full rate',
  });
  found.derived(
    'flops.view',
    'FLOPs of one view, forward and backward, frozen encoder with adapters',
    '1',
    encoderFlops('sam-vit-h').adapterStep,
    'encoderFlops(sam-vit-h).adapterStep',
  );
  for (const card of shown)
    found.derived(
      `view-time.${card}`,
      `Least time of one view's step on ${cards[card].name}`,
      's',
      viewSeconds(card, 1),
      `${peakSource}: ${cards[card].source}`,
    );
  found.derived(
    'factor.arithmetic',
    'Time of a three-view step over a one-view step, arithmetic alone',
    '1',
    views,
    'three views, each as many FLOPs as one',
  );
  found.derived(
    'factor.recompute',
    'The same where only the three-view step computes each forward pass a second time',
    '1',
    recomputedFactor(),
    '3 (step + forward) / step, FLOPs of the encoder',
  );

  const layouts = [...new Set(planes.map((p) => p.layout))];
  for (const layout of layouts) {
    const three = triplesOf(planes, layout, 'cold');
    const one = planes.find((p) => p.layout === layout && p.plane === 'axial')!.times.cold;
    const rows = three.map((t, i) => ({ three: t / perSecond, one: one[i] / perSecond }));
    type Row = (typeof rows)[number];
    const typical =
      (of: (r: Row) => number) =>
      (r: Row[]): number =>
        median(r.map(of));
    const source = `measured cold gathers; ${peakSource}`;
    for (const card of shown) {
      const at = { full: viewSeconds(card, 1), assumed: viewSeconds(card, assumedUtilisation) };
      const on = `of a three-view step on ${cards[card].name}`;
      found.observed(
        `share.${layout}.${card}`,
        `Share of gathering, layout ${layout}, at most, ${on}`,
        '1',
        rows,
        typical((r) => shareOfStep(r.three, at.full)),
        { kind: 'derived', source: `${source}; full rate, nothing read ahead` },
      );
      found.observed(
        `share-assumed.${layout}.${card}`,
        `Share of gathering, layout ${layout}, at the assumed utilisation, ${on}`,
        '1',
        rows,
        typical((r) => shareOfStep(r.three, at.assumed)),
        { kind: 'derived', source: `${source}; utilisation assumed` },
      );
      found.observed(
        `share-one.${layout}.${card}`,
        `Share of gathering the axial plane, layout ${layout}, at most, of a one-view step on ${cards[card].name}`,
        '1',
        rows,
        typical((r) => shareOfStep(r.one, at.full, 1)),
        { kind: 'derived', source: `${source}; full rate, nothing read ahead` },
      );
    }
    const least = viewSeconds(fastest, 1);
    found.observed(
      `factor.gathers.${layout}`,
      `Three-view over one-view step with gathers from layout ${layout}, at most`,
      '1',
      rows,
      typical((r) => factorOf(r, least)),
      {
        kind: 'derived',
        source: `${source}; the fastest card at full rate, cold caches, nothing read ahead`,
      },
    );
    found.observed(
      `explained.${layout}`,
      `Part of the factor beyond three that gathers from layout ${layout} explain, at most`,
      '1',
      rows,
      typical((r) => (factorOf(r, least) - views) / (published - views)),
      { kind: 'derived', source: '(factor with gathers - 3) / (4.5 - 3)' },
    );
    found.observed(
      `slowdown-for-third.${layout}`,
      `How many times slower gathers (layout ${layout}) must be to take a third of a step on ${cards[fastest].name} at full rate`,
      '1',
      rows,
      typical((r) => secondsForShare(1 / 3, least) / r.three),
      { kind: 'derived', source },
    );
  }
  const sector = 32;
  const sagittal = planes.find((p) => p.layout === layouts[0] && p.plane === 'sagittal')!.footprint;
  if (sagittal.runs === sagittal.samples)
    found.derived(
      'sectors-per-used.sagittal',
      "Bytes in a graphics card's sectors of 32 B for a byte used, sagittal plane in file order",
      '1',
      sector / (sagittal.bytes / sagittal.samples),
      'single samples, each in a sector of its own',
    );
  if (decompression) decompressionFindings(found, decompression);
  shareTable(found, decompression !== undefined);
}

function decompressionFindings(found: Findings, { anew, kept, gunzip }: DecompressionTimes): void {
  found.observed(
    'triple.anew',
    'Time of three planes when the file is opened anew, median',
    'us',
    anew,
    median,
  );
  found.observed('triple.kept', 'Time of three planes from the volume in memory, median', 'us', kept, median);
  found.observed('gunzip', 'Time of decompression alone (zlib), median', 'us', gunzip, median);
  const rows = anew.map((a, i) => ({ anew: a, kept: kept[i], gunzip: gunzip[i] }));
  type Row = (typeof rows)[number];
  const typical =
    (of: (r: Row) => number) =>
    (r: Row[]): number =>
      median(r.map(of));
  found.observed(
    'anew-over-kept',
    'Opening the file anew over keeping it, median of pairs',
    '1',
    rows,
    typical((r) => r.anew / r.kept),
  );
  const source = 'measured time of opening the file; FLOPs of the encoder at the assumed utilisation';
  for (const card of shown) {
    const view = viewSeconds(card, assumedUtilisation);
    const name = cards[card].name;
    found.observed(
      `share-anew.${card}`,
      `Share of opening the file for each sample in a three-view step on ${name}, utilisation assumed`,
      '1',
      rows,
      typical((r) => shareOfStep(r.anew / perSecond, view)),
      { kind: 'derived', source },
    );
    found.observed(
      `share-gunzip.${card}`,
      `The same for decompression alone (zlib) on ${name}, utilisation assumed`,
      '1',
      rows,
      typical((r) => shareOfStep(r.gunzip / perSecond, view)),
      { kind: 'derived', source },
    );
    found.observed(
      `factor.anew.${card}`,
      `Three-view step that opens the file anew over a one-view step that does not, ${name}, utilisation assumed`,
      '1',
      rows,
      typical((r) => factorOf({ three: r.anew / perSecond, one: r.kept / perSecond }, view)),
      { kind: 'derived', source },
    );
  }
}

function shareTable(found: Findings, withFile: boolean): void {
  found.table(
    'shares',
    'What gathers can be of a step (file order, cold caches), and opening the file',
    'derived',
    {
      columns: [
        { key: 'card', title: 'Card', align: 'left' },
        { key: 'view', title: 'Step of a view, at least', unit: 'ms', digits: 1 },
        { key: 'one', title: 'One view, at most', unit: '%', digits: 2 },
        { key: 'most', title: 'Three views, at most', unit: '%', digits: 2 },
        { key: 'assumed', title: 'Three views, rate assumed', unit: '%', digits: 2 },
        ...(withFile ? [{ key: 'anew', title: 'File anew, rate assumed', unit: '%', digits: 1 }] : []),
      ],
      rows: shown.map((card) => ({
        card: cards[card].name,
        view: 1000 * found.value(`view-time.${card}`),
        one: 100 * found.value(`share-one.file.${card}`),
        most: 100 * found.value(`share.file.${card}`),
        assumed: 100 * found.value(`share-assumed.file.${card}`),
        ...(withFile && { anew: 100 * found.value(`share-anew.${card}`) }),
      })),
    },
  );
}
