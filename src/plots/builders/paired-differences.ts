// paired-differences: what a change does to a score, pair by pair: every pair a point, their mean with its interval, and the
// differences that are too small to matter.
//
// Data: `{score, smallest, sides: [left, right], groups: [{title, result, points}]}`; `result` is the mean of the points with its interval.
import { z } from 'zod';
import { formatNumber } from '../../results/format';
import type { Builder } from '../figure';
import { dataOf, errorBars, pointRow, quantity, rowOf, wordsOf } from '../figure';
import type { JsonObject } from '../spec';
import { grey, kindMarker, palette, size, template, width } from '../theme';

const dataSchema = z.strictObject({
  /** Title of the axis. */
  score: z.string(),
  /** A smaller difference is of no interest. */
  smallest: z.number().positive(),
  /** What a difference to the left of zero means, and to the right. */
  sides: z.tuple([z.string(), z.string()]),
  groups: z
    .array(z.strictObject({ title: z.string(), result: z.string(), points: z.array(z.number()).min(1) }))
    .min(1)
    .max(4),
});

const rowHeight = 84;
const margin = { l: 64, r: 12, t: 24, b: 44 };
/** Points lie around their row so that few cover each other: the fractions of the golden ratio are spread evenly. */
const spread = (k: number): number => 0.16 + 0.28 * ((k * 0.618034) % 1);
/** The mean lies below its points. */
const meanAt = -0.12;

export const pairedDifferences: Builder = (own, results) => {
  const { score, smallest, sides, groups } = dataOf(own, dataSchema);
  const found = groups.map(({ title, result, points }) => ({ title, points, mean: quantity(results, result, own.id) })); // prettier-ignore
  const height = (k: number): number => found.length - 1 - k;
  const means = found.map(({ mean }) => mean);
  const within = found.map(({ points }) => points.filter((value) => Math.abs(value) < smallest).length);
  return {
    title: own.title,
    caption:
      `${score}. Hollow circles: every pair of ${groups.map(({ title }) => title).join(', or of ')}; diamonds: their mean and its interval. ` +
      `Shaded: differences smaller than ${formatNumber(smallest, { digits: 2 })}, which were said to be of no interest beforehand.`,
    alt: found.map(({ title, points, mean }, k) => `${title}: mean ${wordsOf(mean, 4)}; ${within[k]} of ${points.length} are smaller than ${smallest}.`).join(' '), // prettier-ignore
    spec: {
      data: [
        {
          type: 'scatter',
          mode: 'markers',
          name: 'pairs',
          x: found.flatMap(({ points }) => points),
          y: found.flatMap(({ points }, k) => points.map((_, i) => height(k) + spread(i))),
          marker: { color: palette.blue, symbol: 'circle-open', size: 5, line: { width: 1 } },
          hoverinfo: 'x',
        },
        {
          type: 'scatter',
          mode: 'markers',
          name: 'mean',
          x: means.map(({ value }) => value),
          y: means.map((_, k) => height(k) + meanAt),
          error_x: errorBars(means),
          marker: kindMarker('measured', palette.vermilion, 'diamond'),
          hovertext: found.map(({ title, mean }) => `${title}: ${wordsOf(mean, 4)}`),
          hoverinfo: 'text',
        },
      ],
      layout: {
        template,
        width: width.two,
        height: margin.t + found.length * rowHeight + margin.b,
        margin,
        showlegend: false,
        xaxis: { title: { text: score } },
        yaxis: { range: [-0.4, found.length - 0.4], tickvals: found.map((_, k) => height(k)), ticktext: found.map(({ title }) => title), ticks: '' }, // prettier-ignore
        shapes: [
          { type: 'rect', xref: 'x', yref: 'paper', x0: -smallest, x1: smallest, y0: 0, y1: 1, layer: 'below', line: { width: 0 }, fillcolor: grey.rule, opacity: 0.5 }, // prettier-ignore
          { type: 'line', xref: 'x', yref: 'paper', x0: 0, x1: 0, y0: 0, y1: 1, layer: 'below', line: { width: 1, color: grey.ink } }, // prettier-ignore
        ],
        annotations: sides.map(side),
      },
    },
    rows: found.flatMap(({ title, points, mean }) => [
      rowOf(mean, score, title),
      ...points.map((value, k) => pointRow(own, `${score}, ${k + 1}`, title, value, mean.unit)),
    ]),
    uses: [own, ...means],
  };
};

const side = (text: string, x: number): JsonObject => ({
  text: x === 0 ? `← ${text}` : `${text} →`,
  xref: 'paper',
  yref: 'paper',
  x,
  y: 1,
  xanchor: x === 0 ? 'left' : 'right',
  yanchor: 'bottom',
  yshift: 4,
  font: { size: size.text, color: grey.ink },
});
