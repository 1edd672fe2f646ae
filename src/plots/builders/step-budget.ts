// step-budget: what a labelled voxel costs in training, and how many steps a budget of units buys. One row a way of training.
//
// Data: `{ways: [{id, title}], cards: [{id, title}]}`. Numbers: `iteration-economy.flops.voxel.W`, and
// `iteration-economy.steps.least.W.C` and `.most.W.C` for each card.
import { z } from 'zod';
import { formatNumber } from '../../results/format';
import { logAxis } from '../axes';
import type { Builder, Quantity } from '../figure';
import { dataOf, quantity, rowOf } from '../figure';
import { panelHeading } from '../panel-heading';
import type { JsonObject, Trace } from '../spec';
import { grey, kindMarker, palette, template, width } from '../theme';

const named = z.strictObject({ id: z.string(), title: z.string() });
const dataSchema = z.strictObject({ ways: z.array(named).min(1), cards: z.array(named).min(1).max(2) });

const margin = { l: 190, r: 14, t: 44, b: 40 };
const rowHeight = 34;
/** Ends of the two panels, as shares of the width between the margins. */
const domains = [
  [0, 0.4],
  [0.5, 1],
] as const;
const look = [
  { colour: palette.blue, symbol: 'circle', shift: 0.16 },
  { colour: palette.vermilion, symbol: 'square', shift: -0.16 },
];

export const stepBudget: Builder = (own, results) => {
  const { ways, cards } = dataOf(own, dataSchema);
  const get = (id: string): Quantity => quantity(results, `iteration-economy.${id}`, own.id);
  const rows = ways.map((way, i) => ({
    ...way,
    y: ways.length - 1 - i,
    voxel: get(`flops.voxel.${way.id}`),
    bought: cards.map((card) => ({
      card,
      least: get(`steps.least.${way.id}.${card.id}`),
      most: get(`steps.most.${way.id}.${card.id}`),
    })),
  }));
  const utilisation = get('utilisation');
  const units = get('units');
  const text = (value: number): string => formatNumber(value);
  const voxels: Trace = {
    type: 'scatter',
    mode: 'markers',
    x: rows.map((r) => r.voxel.value),
    y: rows.map((r) => r.y),
    marker: { ...kindMarker('derived', grey.ink), size: 9 },
    hovertext: rows.map((r) => `${r.title}: ${text(r.voxel.value)} ${r.voxel.unit}`),
    hoverinfo: 'text',
    showlegend: false,
    xaxis: 'x',
    yaxis: 'y',
  };
  const steps = cards.map((card, k): Trace => {
    const { colour, symbol, shift } = look[k];
    const bought = rows.map((r) => ({ y: r.y + shift, title: r.title, ...r.bought[k] }));
    return {
      type: 'scatter',
      mode: 'lines+markers',
      name: card.title,
      // A gap between the rows' lines.
      x: bought.flatMap((b) => [b.least.value, b.most.value, null]),
      y: bought.flatMap((b) => [b.y, b.y, null]),
      marker: kindMarker('assumed', colour, symbol),
      line: { color: colour, width: 1.5, dash: 'dot' },
      hovertext: bought.flatMap((b) => [
        `${b.title}, ${card.title}: ${text(b.least.value)}`,
        `${text(b.most.value)}`,
        '',
      ]),
      hoverinfo: 'text',
      xaxis: 'x2',
      yaxis: 'y',
    };
  });
  const plotHeight = rows.length * rowHeight;
  const log = (domain: readonly [number, number], title: string, values: number[]): JsonObject => ({
    ...logAxis(values),
    domain: [...domain],
    title: { text: title },
    anchor: 'y',
    fixedrange: true,
  });
  return {
    title: own.title,
    caption:
      `a, FLOPs of a training step for each labelled voxel that it sees (derived from shapes). b, steps that ` +
      `${formatNumber(units.value)} compute units buy where a card reaches ${formatNumber(100 * utilisation.value)} % of its peak ` +
      `16-bit rate; a line spans the rates, in units an hour, that users have reported. Utilisation and rates are assumed: ` +
      `panel b sets no verdict. No step was run, and what a step of each is worth in accuracy is not tested yet.`,
    alt: rows
      .map(
        (r) =>
          `${r.title}: ${text(r.voxel.value)} ${r.voxel.unit} a voxel; ${r.bought
            .map((b) => `${b.card.title} ${text(b.least.value)} to ${text(b.most.value)} steps`)
            .join(', ')}.`,
      )
      .join(' '),
    spec: {
      data: [voxels, ...steps],
      layout: {
        template,
        width: width.two,
        height: margin.t + plotHeight + margin.b,
        margin,
        showlegend: true,
        legend: { x: domains[1][1], xanchor: 'right', y: 1 + 5 / plotHeight },
        xaxis: log(
          domains[0],
          'FLOPs for a labelled voxel (MFLOP)',
          rows.map((r) => r.voxel.value),
        ),
        xaxis2: log(
          domains[1],
          'Steps for the budget',
          rows.flatMap((r) => r.bought.flatMap((b) => [b.least.value, b.most.value])),
        ),
        yaxis: {
          range: [-0.6, rows.length - 0.4],
          tickvals: rows.map((r) => r.y),
          ticktext: rows.map((r) => r.title),
          ticks: '',
          showline: false,
          fixedrange: true,
        },
        annotations: [
          panelHeading(0, 'A voxel', domains[0][0]),
          panelHeading(1, 'A budget', domains[1][0]),
          ...rows.map((r): JsonObject => ({
            text: text(r.voxel.value),
            xref: 'x',
            yref: 'y',
            // Annotations on a log axis stand at the exponent.
            x: Math.log10(r.voxel.value),
            y: r.y,
            yanchor: 'bottom',
            yshift: 4,
            borderpad: 0,
          })),
        ],
      },
    },
    rows: rows.flatMap((r) => [
      rowOf(r.voxel, 'FLOPs for a labelled voxel', r.title),
      ...r.bought.flatMap((b) => [
        rowOf(b.least, 'Steps, least', `${r.title}, ${b.card.title}`),
        rowOf(b.most, 'Steps, most', `${r.title}, ${b.card.title}`),
      ]),
    ]),
    uses: [
      own,
      utilisation,
      units,
      ...rows.flatMap((r) => [r.voxel, ...r.bought.flatMap((b) => [b.least, b.most])]),
    ],
  };
};
