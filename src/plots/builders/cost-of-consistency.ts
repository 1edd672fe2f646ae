// cost-of-consistency: Figure 2 of the study. Memory for one and for three views, against the cards it names.
//
// Data: `{rows: [{label, reading, one, three}], limits: [{label, id}]}`. A row holds the ids of two amounts of memory, or
// of one; a row with neither is a reading that nobody has taken yet and says so. Readings are kinds of results: published,
// derived, dry run, measured. Amounts come in any unit of bytes; GB (1e9) is drawn.
import { z } from 'zod';
import { convertBytes, formatNumber, formatQuantity, kindWord, titleWithUnit } from '../../results/format';
import type { Kind } from '../../results/result';
import { kinds } from '../../results/result';
import type { Builder, Quantity } from '../figure';
import { dataOf, errorBars, quantity, rowOf } from '../figure';
import type { JsonObject, PlotSpec, Trace } from '../spec';
import { grey, kindBar, palette, size, template, width } from '../theme';

const dataSchema = z.strictObject({
  rows: z
    .array(
      z.strictObject({
        label: z.string(),
        reading: z.enum(kinds),
        one: z.string().nullable(),
        three: z.string().nullable(),
      }),
    )
    .min(1),
  limits: z.array(z.strictObject({ label: z.string(), id: z.string() })),
});

/** How many views an amount is for: light above, dark below, and crossed where a single hatch is published. */
type Views = 'one' | 'three';
const views = {
  one: { title: 'one view', place: 'upper', colour: palette.sky, opacity: '40', shift: 0.22 },
  three: { title: 'three views', place: 'lower', colour: palette.blue, opacity: '80', shift: -0.22 },
} as const;
const thick = 0.37;

interface Row {
  label: string;
  reading: Kind;
  one: Quantity | null;
  three: Quantity | null;
  /** Place on the axis, the first row on top. */
  y: number;
}
interface Limit {
  label: string;
  of: Quantity;
}

const margin = { l: 276, r: 34, t: 46, b: 38 };
const rowHeight = 34;
const gigabytes = (q: Quantity): number => convertBytes(q.value, q.unit, 'GB');
const high = (q: Quantity): number => convertBytes(q.uncertainty?.high ?? q.value, q.unit, 'GB');

export const costOfConsistency: Builder = (own, results) => {
  const data = dataOf(own, dataSchema);
  const get = (id: string | null): Quantity | null => (id === null ? null : quantity(results, id, own.id));
  const rows = data.rows.map(({ label, reading, one, three }, i): Row => ({
    label,
    reading,
    one: get(one),
    three: get(three),
    y: data.rows.length - 1 - i,
  }));
  const limits = data.limits.map(({ label, id }) => ({ label, of: quantity(results, id, own.id) }));
  const amounts = rows.flatMap((row) => amountsOf(row).map((amount) => ({ row, ...amount })));
  return {
    title: own.title,
    caption: caption(rows, limits),
    alt: altText(rows, limits),
    spec: {
      data: (['one', 'three'] as const).flatMap((which) =>
        kinds.flatMap((kind) => barsOf(which, kind, rows)),
      ),
      layout: layoutOf(rows, limits),
    },
    rows: [
      ...amounts.map(({ row, which, of }) => rowOf(of, `Memory, ${views[which].title}`, row.label)),
      ...limits.map(({ label, of }) => rowOf(of, 'Memory of a card', label)),
    ],
    uses: [own, ...amounts.map((a) => a.of), ...limits.map((l) => l.of)],
  };
};

/** What a row has, one view first. */
function amountsOf(row: Row): { which: Views; of: Quantity }[] {
  return (['one', 'three'] as const).flatMap((which) => {
    const of = row[which];
    return of ? [{ which, of }] : [];
  });
}

/** The bars of one kind for one count of views. */
function barsOf(which: Views, kind: Kind, rows: Row[]): Trace[] {
  const here = rows.flatMap((row) => {
    const of = row[which];
    return of?.kind === kind ? [{ ...row, of }] : [];
  });
  if (here.length === 0) return [];
  const { title, shift } = views[which];
  return [
    {
      type: 'bar',
      orientation: 'h',
      name: `${title}, ${kindWord[kind]}`,
      y: here.map((b) => b.y + shift),
      x: here.map((b) => gigabytes(b.of)),
      width: here.map(() => thick),
      marker: markerOf(which, kind),
      error_x: errorBars(
        here.map((b) => b.of),
        (value, q) => convertBytes(value, q.unit, 'GB'),
      ),
      hovertext: here.map(
        (b) => `${b.label}, ${title}, ${kindWord[kind]}: ${formatQuantity(b.of.value, b.of.unit)}`,
      ),
      hoverinfo: 'text',
    },
  ];
}

/** Derived bars are pale with an edge: only what was measured has the full colour. */
function markerOf(which: Views, kind: Kind): JsonObject {
  const { colour, opacity } = views[which];
  const bar = kindBar(kind, colour);
  if (kind === 'derived') return { ...bar, color: `${colour}${opacity}` };
  if (kind !== 'paper' || which === 'one') return bar;
  return { ...bar, pattern: { ...(bar.pattern as JsonObject), shape: 'x' } };
}

function layoutOf(rows: Row[], limits: Limit[]): PlotSpec['layout'] {
  const of = rows.flatMap((row) => amountsOf(row).map((a) => a.of));
  const top = Math.max(...[...of, ...limits.map((l) => l.of)].map(high));
  // Numbers hide the line of a card behind them: a struck-through number cannot be read.
  const numbers = rows.flatMap((row) =>
    amountsOf(row).map(({ which, of }) => ({
      text: formatNumber(gigabytes(of), of.kind === 'paper' ? {} : { digits: 1 }),
      x: high(of),
      y: row.y + views[which].shift,
      xanchor: 'left',
      yanchor: 'middle',
      xshift: 3,
      borderpad: 0,
      bgcolor: '#ffffff',
      font: { size: size.small },
    })),
  );
  const open = rows
    .filter((row) => amountsOf(row).length === 0)
    .map((row) => ({
      text: '<i>not tested yet</i>',
      x: 0,
      y: row.y,
      xanchor: 'left',
      xshift: 5,
      yanchor: 'middle',
      font: { color: grey.soft },
    }));
  // Names of lines that are close stand on either side of both.
  const places = limits.map(({ of }) => gigabytes(of));
  const close = places.length > 1 && Math.max(...places) - Math.min(...places) < 0.4 * top;
  const anchor = (x: number): 'left' | 'right' | 'center' =>
    close ? (x === Math.max(...places) ? 'left' : 'right') : x > top / 2 ? 'right' : 'center';
  const names = limits.map(({ label, of }, k) => ({
    text: `${label}: ${limitText(of)}`,
    x: places[k],
    yref: 'paper',
    y: 1,
    xanchor: anchor(places[k]),
    xshift: !close && places[k] > top / 2 ? 20 : 0,
    yanchor: 'bottom',
    borderpad: 1,
  }));
  const keys = (['one', 'three'] as const).map((which, i) => ({
    text: `<span style="color:${views[which].colour}">■</span> ${views[which].title} (${views[which].place} bar)`,
    xref: 'paper',
    yref: 'paper',
    x: 0,
    y: 1,
    xanchor: 'left',
    yanchor: 'bottom',
    xshift: 122 * i,
    yshift: 16,
  }));
  return {
    template,
    width: width.two,
    height: margin.t + rows.length * rowHeight + margin.b,
    margin,
    barmode: 'overlay',
    showlegend: false,
    xaxis: { range: [0, 1.04 * top], title: { text: titleWithUnit('GPU memory', 'GB') }, nticks: 10 },
    yaxis: {
      range: [-0.6, rows.length - 0.4],
      tickvals: rows.map((r) => r.y),
      ticktext: rows.map((r) => `<b>${kindWord[r.reading]}</b>: ${r.label}`),
      ticks: '',
      ticklabelstandoff: 4,
      showline: false,
      fixedrange: true,
    },
    shapes: limits.map(({ of }) => ({
      type: 'line',
      yref: 'paper',
      x0: gigabytes(of),
      x1: gigabytes(of),
      y0: 0,
      y1: 1,
      line: { color: palette.vermilion, width: 1.25, dash: 'dash' },
    })),
    annotations: [...keys, ...names, ...numbers, ...open],
  };
}

/** `15 360 MiB = 16.1 GB`: as the card states it, and as the axis counts. */
function limitText(q: Quantity): string {
  const stated = formatQuantity(q.value, q.unit);
  return q.unit === 'GB' ? stated : `${stated} = ${formatQuantity(gigabytes(q), 'GB')}`;
}

const said = (row: Row): string =>
  `${row.label}: ${amountsOf(row)
    .map(({ which, of }) => `${views[which].title} ${formatQuantity(of.value, of.unit)}`)
    .join(', ')}`;

function caption(rows: Row[], limits: Limit[]): string {
  const published = rows.filter((r) => r.reading === 'paper').map(said);
  const has = (kind: Kind): boolean => rows.some((r) => r.reading === kind && amountsOf(r).length > 0);
  const open = rows.filter((r) => amountsOf(r).length === 0).map((r) => kindWord[r.reading]);
  return [
    'Memory for one view and for three.',
    published.length > 0
      ? `Of the study's Figure 2 only the caption is at hand, so the published bars (hatched) are the numbers of its text: ${published.join('; ')}.`
      : '',
    has('derived')
      ? "Derived: what the blocks of PyTorch's encoder keep for the backward pass; weights and buffers come on top."
      : '',
    has('dry-run') ? 'Dry run: the peak of our whole step on TensorFlow.js beyond the weights.' : '',
    has('measured') ? 'Measured: the peak as the driver reports it.' : '',
    'One image a view.',
    open.length > 0 ? `Not tested yet: ${open.join(', ')}.` : '',
    limits.length > 0 ? `Dashed: the memory of ${limits.map((l) => l.label).join(' and ')}.` : '',
    'GB is 10⁹ bytes.',
  ]
    .filter(Boolean)
    .join(' ');
}

function altText(rows: Row[], limits: Limit[]): string {
  const say = (r: Row): string => `${said(r)}, ${kindWord[r.reading]}`;
  const lines = limits.map((b) => `${b.label} at ${formatQuantity(b.of.value, b.of.unit)}`).join(', ');
  return `Bars of memory: ${rows
    .filter((r) => amountsOf(r).length > 0)
    .map(say)
    .join('; ')}.${lines && ` Lines for cards: ${lines}.`}`;
}
