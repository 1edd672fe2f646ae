// cost-of-consistency: Figure 2 of the study. Memory for one and for three views, against the cards it names.
//
// Data: `{bars: [{label, ids}], limits: [{label, id}]}`. Each bar group holds results of any kind, one bar a kind,
// side by side; limits are horizontal lines. All are amounts of memory in any unit of bytes; GB (1e9) is drawn.
import { z } from 'zod';
import type { Kind } from '../../results/result';
import { kinds } from '../../results/result';
import type { Builder, Quantity } from '../figure';
import { dataOf, errorBars, quantity, rowOf } from '../figure';
import { convertBytes, formatNumber, formatQuantity, kindWord, titleWithUnit } from '../../results/format';
import type { PlotSpec, Trace } from '../spec';
import { kindBar, palette, size, template, width } from '../theme';

const dataSchema = z.strictObject({
  bars: z.array(z.strictObject({ label: z.string(), ids: z.array(z.string()).min(1) })).min(1),
  limits: z.array(z.strictObject({ label: z.string(), id: z.string() })),
});

interface Bar {
  label: string;
  of: Quantity;
}

const margin = { l: 44, r: 10, t: 30, b: 22 };
const plotHeight = 170;
const colour = palette.blue;
const gigabytes = (q: Quantity): number => convertBytes(q.value, q.unit, 'GB');

export const costOfConsistency: Builder = (own, results) => {
  const data = dataOf(own, dataSchema);
  const bars = data.bars.flatMap(({ label, ids }) =>
    ids.map((id) => ({ label, of: quantity(results, id, own.id) })),
  );
  const limits = data.limits.map(({ label, id }) => ({ label, of: quantity(results, id, own.id) }));
  const labels = data.bars.map((b) => b.label);
  const shown = kinds.filter((kind) => bars.some((b) => b.of.kind === kind));
  return {
    title: own.title,
    caption: caption(bars, limits, shown),
    alt: altText(bars, limits),
    spec: {
      data: shown.map((kind) => barsOf(kind, bars, labels, shown)),
      layout: layoutOf(bars, limits, labels, shown),
    },
    rows: [
      ...bars.map(({ label, of }) => rowOf(of, 'Memory', label)),
      ...limits.map(({ label, of }) => rowOf(of, 'Memory of a card', label)),
    ],
    uses: [own, ...[...bars, ...limits].map((b) => b.of)],
  };
};

/** Where a bar stands: groups at 0, 1, ...; in a group the kinds side by side. */
function placed(bar: Bar, labels: string[], shown: Kind[]): { x: number; wide: number } {
  const wide = Math.min(0.5, 0.85 / shown.length);
  return {
    x: labels.indexOf(bar.label) + (shown.indexOf(bar.of.kind) - (shown.length - 1) / 2) * wide,
    wide,
  };
}

function barsOf(kind: Kind, bars: Bar[], labels: string[], shown: Kind[]): Trace {
  const here = bars.filter((b) => b.of.kind === kind);
  const places = here.map((b) => placed(b, labels, shown));
  return {
    type: 'bar',
    name: kindWord[kind],
    x: places.map((p) => p.x),
    width: places.map((p) => p.wide),
    y: here.map((b) => gigabytes(b.of)),
    marker: kindBar(kind, colour),
    error_y: errorBars(
      here.map((b) => b.of),
      (value, q) => convertBytes(value, q.unit, 'GB'),
    ),
    hovertext: here.map((b) => `${b.label}, ${kindWord[kind]}: ${formatQuantity(b.of.value, b.of.unit)}`),
    hoverinfo: 'text',
  };
}

function layoutOf(bars: Bar[], limits: Bar[], labels: string[], shown: Kind[]): PlotSpec['layout'] {
  const high = (q: Quantity): number => convertBytes(q.uncertainty?.high ?? q.value, q.unit, 'GB');
  const top = Math.max(...[...bars, ...limits].map((b) => high(b.of)));
  // Numbers hide the line of a card behind them: a struck-through number cannot be read.
  const numbers = bars.map((bar) => ({
    text: formatNumber(gigabytes(bar.of)),
    x: placed(bar, labels, shown).x,
    y: high(bar.of),
    yanchor: 'bottom',
    yshift: 2,
    borderpad: 0,
    bgcolor: '#ffffff',
    font: { size: size.small },
  }));
  const names = limits.map(({ label, of }) => ({
    text: `${label}: ${limitText(of)}`,
    xref: 'paper',
    x: 0,
    xanchor: 'left',
    xshift: 4,
    y: gigabytes(of),
    yanchor: 'bottom',
    borderpad: 1,
  }));
  return {
    template,
    width: width.one,
    height: margin.t + plotHeight + margin.b,
    margin,
    barmode: 'overlay',
    showlegend: true,
    xaxis: {
      range: [-0.6, labels.length - 0.4],
      tickvals: labels.map((_, i) => i),
      ticktext: labels,
      ticks: '',
      fixedrange: true,
    },
    yaxis: { range: [0, 1.12 * top], title: { text: titleWithUnit('GPU memory', 'GB') }, nticks: 6 },
    shapes: limits.map(({ of }) => ({
      type: 'line',
      xref: 'paper',
      x0: 0,
      x1: 1,
      y0: gigabytes(of),
      y1: gigabytes(of),
      line: { color: palette.vermilion, width: 1.25, dash: 'dash' },
    })),
    annotations: [...names, ...numbers],
  };
}

/** `15 360 MiB = 16.1 GB`: as the card states it, and as the axis counts. */
function limitText(q: Quantity): string {
  const stated = formatQuantity(q.value, q.unit);
  return q.unit === 'GB' ? stated : `${stated} = ${formatQuantity(gigabytes(q), 'GB')}`;
}

function caption(bars: Bar[], limits: Bar[], shown: Kind[]): string {
  const published = bars.filter((b) => b.of.kind === 'paper');
  const texts = published.map((b) => `${b.label}: ${formatQuantity(b.of.value, b.of.unit)}`).join(', ');
  const others = shown.filter((k) => k !== 'paper').map((k) => kindWord[k]);
  return [
    'Memory for one view and for three.',
    published.length > 0
      ? `Of the study's Figure 2 only the caption is at hand, so the published bars (hatched) are the numbers of its text: ${texts}.`
      : '',
    others.length > 0 ? `Beside them: ${others.join(', ')}.` : '',
    limits.length > 0 ? `Dashed: the memory of ${limits.map((l) => l.label).join(' and ')}.` : '',
    'GB is 10⁹ bytes.',
  ]
    .filter(Boolean)
    .join(' ');
}

function altText(bars: Bar[], limits: Bar[]): string {
  const say = (b: Bar): string =>
    `${b.label} ${formatQuantity(b.of.value, b.of.unit)} (${kindWord[b.of.kind]})`;
  const lines = limits.map((b) => `${b.label} at ${formatQuantity(b.of.value, b.of.unit)}`).join(', ');
  return `Bars of memory: ${bars.map(say).join(', ')}.${lines && ` Lines for cards: ${lines}.`}`;
}
