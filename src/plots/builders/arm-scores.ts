// arm-scores: a score of every way to train, by two ways to predict: each training a small point, the mean with its interval over cases
// beside them.
//
// Data: `{score, rows: [{title, ways: [{name, result, points}]}]}`; `result` is the mean over cases with its interval, points are
// one a training. The first way is drawn above the second.
import { z } from 'zod';
import type { Builder } from '../figure';
import { dataOf, errorBars, pointRow, quantity, rowOf, wordsOf } from '../figure';
import type { JsonObject, Trace } from '../spec';
import { grey, kindMarker, palette, size, template, width } from '../theme';

const dataSchema = z.strictObject({
  /** Title of the axis. */
  score: z.string(),
  rows: z
    .array(
      z.strictObject({
        title: z.string(),
        ways: z
          .array(z.strictObject({ name: z.string(), result: z.string(), points: z.array(z.number()) }))
          .length(2),
      }),
    )
    .min(1),
});

/** A colour, and a shape as second cue. */
const styles = [
  { colour: palette.blue, symbol: 'circle' },
  { colour: palette.vermilion, symbol: 'diamond' },
] as const;
const rowHeight = 34;
const margin = { l: 190, r: 12, t: 10, b: 56 };
/** Where a way lies in its row, and its points below it. */
const offset = [0.2, -0.22] as const;
const below = 0.13;

export const armScores: Builder = (own, results) => {
  const { score, rows } = dataOf(own, dataSchema);
  const found = rows.map(({ title, ways }) => ({
    title,
    ways: ways.map(({ name, result, points }) => ({ name, points, mean: quantity(results, result, own.id) })),
  }));
  const height = (k: number): number => rows.length - 1 - k;
  const traces = [0, 1].flatMap((way): Trace[] => {
    const { colour, symbol } = styles[way];
    const means = found.map(({ ways }) => ways[way].mean);
    return [
      {
        type: 'scatter',
        mode: 'markers',
        name: `${rows[0].ways[way].name}, each training`,
        x: found.flatMap(({ ways }) => ways[way].points),
        y: found.flatMap(({ ways }, k) => ways[way].points.map(() => height(k) + offset[way] - below)),
        marker: { color: colour, symbol: `${symbol}-open`, size: 4, line: { width: 1 } },
        hoverinfo: 'x',
      },
      {
        type: 'scatter',
        mode: 'markers',
        name: rows[0].ways[way].name,
        x: means.map(({ value }) => value),
        y: means.map((_, k) => height(k) + offset[way]),
        error_x: errorBars(means),
        marker: kindMarker('measured', colour, symbol),
        hovertext: found.map(
          ({ title, ways }) => `${title}, ${ways[way].name}: ${wordsOf(ways[way].mean, 3)}`,
        ),
        hoverinfo: 'text',
      },
    ];
  });
  return {
    title: own.title,
    caption:
      `${score} by what was trained on (rows) and how it was predicted: ${styles.map((_, way) => `${['circles', 'diamonds'][way]} ${rows[0].ways[way].name}`).join(', ')}. ` +
      'Large: the mean over cases, each case averaged over trainings, with its interval over cases; small and hollow below it: every training.',
    alt: found.map(({ title, ways }) => `${title}: ${ways.map(({ name, mean }) => `${name} ${wordsOf(mean, 3)}`).join(', ')}.`).join(' '), // prettier-ignore
    spec: {
      data: traces,
      layout: {
        template,
        width: width.two,
        height: margin.t + rows.length * rowHeight + margin.b,
        margin,
        showlegend: false,
        xaxis: { title: { text: score } },
        yaxis: { range: [-0.6, rows.length - 0.4], tickvals: rows.map((_, k) => height(k)), ticktext: rows.map(({ title }) => title), ticks: '' }, // prettier-ignore
        annotations: [0, 1].map((way) => key(rows[0].ways[way].name, way)),
      },
    },
    rows: found.flatMap(({ title, ways }) =>
      ways.flatMap(({ name, points, mean }) => [
        rowOf(mean, `${score}, ${name}`, title),
        ...points.map((value, k) =>
          pointRow(own, `${score}, ${name}, training ${k + 1}`, title, value, mean.unit),
        ),
      ]),
    ),
    uses: [own, ...found.flatMap(({ ways }) => ways.map(({ mean }) => mean))],
  };
};

const key = (name: string, way: number): JsonObject => ({
  text: `<span style="color:${styles[way].colour}">${way === 0 ? '●' : '◆'}</span> ${name}`,
  xref: 'paper',
  yref: 'paper',
  x: 0.45 * way,
  y: 0,
  xanchor: 'left',
  yanchor: 'top',
  yshift: -36,
  font: { size: size.text, color: grey.ink },
});
