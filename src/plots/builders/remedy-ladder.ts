// remedy-ladder: saved activations of three views, by way to the gradient and by regime, against the memory of cards.
//
// Data: `{ways: [{id, title}], regimes: [{id, title}], cards: [{id, title}]}`; the way `at-once` is the plain one. Numbers:
// `activation-stacking.saved.R.three` for `at-once`, else `activation-stacking.saved.W.R`; `activation-stacking.work.W`; and
// `activation-stacking.card.C`.
import { z } from 'zod';
import { convertBytes, formatNumber, formatQuantity } from '../../results/format';
import { logAxis } from '../axes';
import type { Builder, Quantity } from '../figure';
import { dataOf, quantity, rowOf } from '../figure';
import type { JsonObject, Trace } from '../spec';
import { grey, kindMarker, palette, template, width } from '../theme';

const named = z.strictObject({ id: z.string(), title: z.string() });
const dataSchema = z.strictObject({
  ways: z.array(named).min(1),
  regimes: z.array(named).min(1).max(3),
  cards: z.array(named),
});

const margin = { l: 190, r: 14, t: 44, b: 40 };
const rowHeight = 40;
const look = [
  { colour: palette.vermilion, symbol: 'square' },
  { colour: palette.orange, symbol: 'diamond' },
  { colour: palette.blue, symbol: 'circle' },
];
const gigabytes = (q: Quantity): number => convertBytes(q.value, q.unit, 'GB');
const amount = (value: number): string => formatQuantity(value, 'GB', { digits: 1 });

export const remedyLadder: Builder = (own, results) => {
  const { ways, regimes, cards } = dataOf(own, dataSchema);
  const get = (id: string): Quantity => quantity(results, `activation-stacking.${id}`, own.id);
  const rows = ways.map(({ id, title }, i) => ({
    title,
    y: ways.length - 1 - i,
    work: id === 'at-once' ? undefined : get(`work.${id}`),
    saved: regimes.map((r) => get(id === 'at-once' ? `saved.${r.id}.three` : `saved.${id}.${r.id}`)),
  }));
  const limits = cards.map(({ id, title }) => ({ title, of: get(`card.${id}`) }));
  const plotHeight = rows.length * rowHeight;
  const traces = regimes.map((regime, k): Trace => ({
    type: 'scatter',
    mode: 'markers',
    name: regime.title,
    x: rows.map((r) => gigabytes(r.saved[k])),
    // Side by side: two regimes may keep equally much.
    y: rows.map((r) => r.y + 0.16 * ((regimes.length - 1) / 2 - k)),
    marker: {
      ...kindMarker('derived', look[k].colour, look[k].symbol),
      size: 10,
      line: { color: look[k].colour, width: 2 },
    },
    hovertext: rows.map((r) => `${r.title}, ${regime.title}: ${amount(gigabytes(r.saved[k]))}`),
    hoverinfo: 'text',
  }));
  const all = [...rows.flatMap((r) => r.saved.map(gigabytes)), ...limits.map((l) => gigabytes(l.of))];
  return {
    title: own.title,
    caption:
      `Activations that the backward pass of three views through SAM ViT-H keeps (frozen weights with adapters), for ways to ` +
      `the same gradient. In brackets: arithmetic of a step over that of the plain one. Dashed: the memory that the driver of ` +
      `a card shows; weights, buffers and the decoder come on top. Derived from shapes; dry runs and measured peaks are not ` +
      `tested yet.`,
    alt: rows
      .map(
        (r) =>
          `${r.title}: ${regimes.map((regime, k) => `${regime.title} ${amount(gigabytes(r.saved[k]))}`).join(', ')}.`,
      )
      .join(' '),
    spec: {
      data: traces,
      layout: {
        template,
        width: width.two,
        height: margin.t + plotHeight + margin.b,
        margin,
        showlegend: true,
        legend: { y: 1 + 18 / plotHeight },
        xaxis: {
          ...logAxis(all),
          title: { text: 'Saved activations of three views (GB)' },
          fixedrange: true,
        },
        yaxis: {
          range: [-0.6, rows.length - 0.4],
          tickvals: rows.map((r) => r.y),
          ticktext: rows.map(
            (r) => `${r.title} (${r.work ? formatNumber(r.work.value, { digits: 2 }) : '1'} ×)`,
          ),
          ticks: '',
          showline: false,
          fixedrange: true,
        },
        shapes: limits.map(({ of }) => ({
          type: 'line',
          xref: 'x',
          yref: 'paper',
          x0: gigabytes(of),
          x1: gigabytes(of),
          y0: 0,
          y1: 1,
          line: { color: grey.ink, width: 1, dash: 'dash' },
        })),
        annotations: limits.map(({ title, of }): JsonObject => ({
          text: title,
          xref: 'x',
          yref: 'paper',
          // Annotations on a log axis stand at the exponent.
          x: Math.log10(gigabytes(of)),
          y: 1,
          yanchor: 'bottom',
          yshift: 2,
        })),
      },
    },
    rows: [
      ...rows.flatMap((r) =>
        r.saved.map((q, k) =>
          rowOf(q, 'Saved activations of three views', `${r.title}, ${regimes[k].title}`),
        ),
      ),
      ...rows.flatMap((r) =>
        r.work ? [rowOf(r.work, 'Arithmetic of a step over the plain one', r.title)] : [],
      ),
      ...limits.map((l) => rowOf(l.of, 'Memory of a card', l.title)),
    ],
    uses: [
      own,
      ...rows.flatMap((r) => [...r.saved, ...(r.work ? [r.work] : [])]),
      ...limits.map((l) => l.of),
    ],
  };
};
