// memory-timeline: live bytes through a training step, by what they are for and by part of the model, a row for each policy.
//
// Data: `{rows: [{title, categories, parts, points: [{at, byCategory, byPart}]}]}`; `at` from 0 to 1, bytes in the order of the
// names. What a dry run or a tracker counted; points keep each stretch's highest moment, so the peak is exact.
import { z } from 'zod';
import { formatNumber, formatQuantity } from '../../results/format';
import type { Result } from '../../results/result';
import type { Builder, DataRow } from '../figure';
import { dataOf, pointRow } from '../figure';
import type { JsonObject, Trace } from '../spec';
import { grey, palette, size, template, width } from '../theme';

const rowSchema = z.strictObject({
  title: z.string(),
  categories: z.array(z.string()).min(1),
  parts: z.array(z.string()).min(1),
  points: z
    .array(
      z.strictObject({
        at: z.number().min(0).max(1),
        byCategory: z.array(z.number().min(0)),
        byPart: z.array(z.number().min(0)),
      }),
    )
    .min(2),
});
const dataSchema = z.strictObject({ rows: z.array(rowSchema).min(1) });
type Row = z.infer<typeof rowSchema>;

const columns = [
  { title: 'By what it is for', names: 'categories', bytes: 'byCategory', domain: [0, 0.445] },
  { title: 'By part of the model', names: 'parts', bytes: 'byPart', domain: [0.555, 1] },
] as const;
type Column = (typeof columns)[number];

/** From below; neighbours differ in lightness, and the key is in the order of the areas. */
const colours = [palette.blue, palette.sky, palette.green, palette.orange, palette.vermilion, palette.purple, grey.soft, grey.rule]; // prettier-ignore
const margin = { l: 48, r: 10, t: 30, b: 40 };
const panel = 150;
const gap = 54;
const gigabytes = (bytes: number): number => bytes / 1e9;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const totals = (row: Row): number[] => row.points.map(({ byCategory }) => sum(byCategory));
const peakOf = (row: Row): number => Math.max(...totals(row));

export const memoryTimeline: Builder = (own) => {
  const { rows } = dataOf(own, dataSchema);
  const inner = rows.length * panel + (rows.length - 1) * gap;
  const keys = 16 * Math.max(...rows.flatMap((row) => columns.map(({ names }) => used(row, names).length)));
  const top = (k: number): number => 1 - (k * (panel + gap)) / inner;
  const axes = rows.flatMap((row, k) =>
    columns.flatMap((column, c): [string, JsonObject][] => {
      const id = axisId(k, c);
      const high = 1.06 * gigabytes(peakOf(row));
      return [
        [`xaxis${id}`, { domain: [...column.domain], anchor: `y${id}`, range: [0, 100], ...(k === rows.length - 1 && { title: { text: 'Allocations and releases of the step (%)' } }) }], // prettier-ignore
        [`yaxis${id}`, { domain: [top(k) - panel / inner, top(k)], anchor: `x${id}`, range: [0, high], nticks: 5, title: { text: 'Live (GB)' } }], // prettier-ignore
      ];
    }),
  );
  return {
    title: own.title,
    caption: caption(rows),
    alt: rows.map(said).join(' '),
    spec: {
      data: rows.flatMap((row, k) => columns.flatMap((column, c) => areas(row, column, axisId(k, c)))),
      layout: {
        template,
        width: width.two,
        height: margin.t + inner + margin.b + keys,
        margin: { ...margin, b: margin.b + keys },
        showlegend: false,
        ...Object.fromEntries(axes),
        annotations: [
          ...rows.flatMap((row, k) => columns.map((column, c) => heading(row, column, rows.length, k, c))),
          ...columns.flatMap((column) => key(rows, column)),
        ],
      },
    },
    rows: rows.flatMap((row) => rowsOf(row, own)),
    uses: [own],
  };
};

/** Of areas that lie on each other, from below; the two columns have keys of their own, and begin unlike each other. */
const shapes = {
  categories: ['', '/', '.', 'x', '-', '\\', '|'],
  parts: ['+', '/', '.', 'x', '-', '\\', '|'],
} as const;

const axisId = (row: number, column: number): string => {
  const number = row * columns.length + column + 1;
  return number === 1 ? '' : `${number}`;
};

/** Names that have bytes anywhere, with their places among all. */
function used(row: Row, names: Column['names']): { name: string; place: number }[] {
  const bytes = names === 'categories' ? 'byCategory' : 'byPart';
  return row[names].flatMap((name, place) =>
    row.points.some((point) => point[bytes][place] > 0) ? [{ name, place }] : [],
  );
}

function areas(row: Row, { names, bytes }: Column, id: string): Trace[] {
  return used(row, names).map(({ name, place }) => ({
    type: 'scatter',
    mode: 'lines',
    name,
    x: row.points.map(({ at }) => 100 * at),
    y: row.points.map((point) => gigabytes(point[bytes][place])),
    xaxis: `x${id}`,
    yaxis: `y${id}`,
    stackgroup: `${names}${id}`,
    line: { color: '#ffffff', width: 0.4 },
    fillcolor: colours[place % colours.length],
    // A second cue beside the hue; and the order of the stack is that of the legend.
    ...(shapes[names][place % shapes[names].length] !== '' && {
      fillpattern: {
        shape: shapes[names][place % shapes[names].length],
        fgcolor: '#ffffff',
        fgopacity: 0.55,
        // Coarser by what it is for, finer by part.
        size: names === 'categories' ? 8 : 5,
        solidity: 0.15,
        fillmode: 'overlay',
      },
    }),
    hovertext: row.points.map((point) => `${name}: ${formatQuantity(gigabytes(point[bytes][place]), 'GB')}`),
    hoverinfo: 'text',
  }));
}

function heading(row: Row, column: Column, count: number, k: number, c: number): JsonObject {
  const letter = 'abcdefgh'[k * columns.length + c];
  const inner = count * panel + (count - 1) * gap;
  return {
    text: `<b>${letter}</b>\u00a0\u00a0${row.title}: ${column.title.toLowerCase()}`,
    xref: 'paper',
    yref: 'paper',
    x: column.domain[0],
    y: 1 - (k * (panel + gap)) / inner,
    xanchor: 'left',
    yanchor: 'bottom',
    yshift: 4,
    font: { size: size.heading },
  };
}

/** What the colours are, below each column; the lowest area last, as in the panels. */
function key(rows: Row[], { names, domain }: Column): JsonObject[] {
  const all = rows[0][names].map((name, place) => ({ name, place }));
  const shown = all.filter(({ place }) =>
    rows.some((row) => used(row, names).some((u) => u.place === place)),
  );
  return [...shown].reverse().map(({ name, place }, i) => ({
    text: `<span style="color:${colours[place % colours.length]}">■</span> ${name}`,
    xref: 'paper',
    yref: 'paper',
    x: domain[0],
    y: 0,
    xanchor: 'left',
    yanchor: 'top',
    yshift: -38 - 16 * i,
    font: { size: size.text },
  }));
}

/** The moment when most is alive, in words. */
function said(row: Row): string {
  const all = totals(row);
  const k = all.indexOf(peakOf(row));
  const { at, byCategory } = row.points[k];
  const parts = row.categories
    .map((name, i) => ({ name, bytes: byCategory[i] }))
    .filter(({ bytes }) => bytes > 0.005 * all[k])
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ name, bytes }) => `${name} ${formatQuantity(gigabytes(bytes), 'GB')}`);
  return `${row.title}: peak ${formatQuantity(gigabytes(all[k]), 'GB')} after ${formatNumber(100 * at, { digits: 0 })}\u202f% of the step (${parts.join(', ')}).`;
}

const caption = (rows: Row[]): string =>
  `Live memory through one training step, by what it is for (left) and by part of the model (right). ${rows.map(said).join(' ')} ` +
  'The axis counts allocations and releases, not time; each row has a scale of its own. GB is 10⁹ bytes.';

function rowsOf(row: Row, own: Result): DataRow[] {
  const k = totals(row).indexOf(peakOf(row));
  return columns.flatMap(({ names, bytes, title }) =>
    used(row, names).map(
      ({ name, place }) =>
      pointRow(own, `At the peak, ${title.toLowerCase()}: ${name}`, row.title, gigabytes(row.points[k][bytes][place]), 'GB'), // prettier-ignore
    ),
  );
}
