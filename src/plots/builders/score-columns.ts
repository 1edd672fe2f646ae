// score-columns: published scores less those of the row MAE, one panel a backbone, one place a column of the table.
//
// Data: `{columns: [title], segmentation: how many of them, backbones: [{title, base: [score], methods: [{id, scores}]}]}`;
// `base` are MAE's scores. Scores are percentages as published.
import { z } from 'zod';
import { formatNumber } from '../../results/format';
import type { Builder } from '../figure';
import { dataOf, pointRow } from '../figure';
import { methodIds, methodStyle } from '../method-style';
import { panelHeading } from '../panel-heading';
import type { JsonObject, PlotSpec, Trace } from '../spec';
import { grey, template, width } from '../theme';

const dataSchema = z.strictObject({
  columns: z.array(z.string()).min(1),
  segmentation: z.number().int(),
  backbones: z
    .array(
      z.strictObject({
        title: z.string(),
        base: z.array(z.number()),
        methods: z.array(z.strictObject({ id: z.enum(methodIds), scores: z.array(z.number()) })).min(1),
      }),
    )
    .min(1),
});
type Data = z.infer<typeof dataSchema>;

const margin = { l: 44, r: 10, t: 44, b: 54 };
const panelHeight = 150;
/** Share of the drawing's height between two panels. */
const gap = 0.12;

export const scoreColumns: Builder = (own) => {
  const data = dataOf(own, dataSchema);
  const wins = data.backbones.map((b) => {
    const cells = b.methods.flatMap((m) => m.scores.map((score, c) => score - b.base[c]));
    return `${b.title}: ${cells.filter((d) => d > 0).length} of ${cells.length} scores above MAE`;
  });
  return {
    title: own.title,
    caption:
      `Published scores less that of the masked autoencoder (MAE) on the same data, in percentage points; on the left of the ` +
      `line segmentation (Dice and normalised surface Dice), on the right classification. One run a point, no intervals were ` +
      `published. Triangles: with the contrastive term. Blue: CVA; orange, as diamonds and as triangles that point down: C-CVA.`,
    alt: `Points for ${data.columns.length} columns of scores. ${wins.join('. ')}.`,
    spec: { data: data.backbones.flatMap((b, k) => tracesOf(data, b, k)), layout: layoutOf(data) },
    rows: data.backbones.flatMap((b) =>
      [{ id: 'mae' as const, scores: b.base }, ...b.methods].flatMap(
        (m) =>
        m.scores.map((value, c) => pointRow(own, data.columns[c], `${b.title}, ${methodStyle[m.id].title}`, value, '%')), // prettier-ignore
      ),
    ),
    uses: [own],
  };
};

const suffix = (k: number): string => (k === 0 ? '' : `${k + 1}`);

function tracesOf(data: Data, { base, methods }: Data['backbones'][number], k: number): Trace[] {
  return methods.map(({ id, scores }, m) => {
    const { title, colour, symbol } = methodStyle[id];
    return {
      type: 'scatter',
      mode: 'markers',
      name: title,
      legendgroup: id,
      showlegend: k === 0,
      // Side by side within the place of their column.
      x: scores.map((_, c) => c + (m - (methods.length - 1) / 2) * 0.12),
      y: scores.map((score, c) => score - base[c]),
      xaxis: 'x',
      yaxis: `y${suffix(k)}`,
      // Hollow: published, and one run.
      marker: { symbol: `${symbol}-open`, color: colour, size: 7, line: { color: colour, width: 1.5 } },
      hovertext: scores.map(
        (score, c) => `${title}, ${data.columns[c]}: ${formatNumber(score, { digits: 2 })} %`,
      ),
      hoverinfo: 'text',
    };
  });
}

function layoutOf({ columns, segmentation, backbones }: Data): PlotSpec['layout'] {
  const n = backbones.length;
  const share = (1 - gap * (n - 1)) / n;
  const bottom = (k: number): number => (n - 1 - k) * (share + gap);
  const axes = backbones.map((_, k): [string, JsonObject] => [
    `yaxis${suffix(k)}`,
    {
      domain: [bottom(k), bottom(k) + share],
      title: { text: 'Points above MAE' },
      zeroline: true,
      zerolinecolor: grey.ink,
      zerolinewidth: 1,
      nticks: 6,
      fixedrange: true,
    },
  ]);
  return {
    template,
    width: width.two,
    height: margin.t + n * panelHeight + margin.b,
    margin,
    showlegend: true,
    legend: { y: 1.06 },
    xaxis: {
      range: [-0.6, columns.length - 0.4],
      tickvals: columns.map((_, c) => c),
      ticktext: columns.map((c) => c.replaceAll(' ', '<br>')),
      ticks: '',
      anchor: `y${suffix(n - 1)}`,
      fixedrange: true,
    },
    ...Object.fromEntries(axes),
    shapes: [
      {
        type: 'line',
        xref: 'x',
        yref: 'paper',
        x0: segmentation - 0.5,
        x1: segmentation - 0.5,
        y0: 0,
        y1: 1,
        line: { color: grey.ink, width: 1, dash: 'dot' },
      },
    ],
    annotations: backbones.map((b, k) => ({ ...panelHeading(k, b.title, 0), y: bottom(k) + share })),
  };
}
