// stride-times: predicted beside measured time of every plane and layout, cold and warm.
//
// Data: `{layouts: [name]}`. Numbers: results `strides.predicted.W.L.P` and `strides.time.W.L.P` (us) for W cold and
// warm, each layout L and plane P, and `strides.bytes-touched.L.P` (B), `strides.bytes.L.P`.
import { z } from 'zod';
import { logAxis } from '../axes';
import type { Builder, Quantity, Results } from '../figure';
import { axisTitle, dataOf, errorBars, quantity, rowOf } from '../figure';
import { formatNumber, formatQuantity } from '../../results/format';
import type { JsonObject, Trace } from '../spec';
import type { PlaneName } from '../theme';
import { grey, kindMarker, planes, planeStyle, size, template, width } from '../theme';

const dataSchema = z.strictObject({ layouts: z.array(z.enum(['file', 'copies', 'bricks'])).min(1) });
const layoutTitle = { file: 'file order', copies: 'three copies', bricks: 'bricks' } as const;
type Layout = keyof typeof layoutTitle;

interface Row {
  layout: Layout;
  plane: PlaneName;
  touched: Quantity;
  times: Record<'cold' | 'warm', { predicted: Quantity; measured: Quantity }>;
}

const margin = { l: 84, r: 10, t: 44, b: 40 };
const rowHeight = 21;
const domains = [
  [0, 0.26],
  [0.3, 0.635],
  [0.675, 1],
];
const headings = ['Bytes in touched cache lines', 'Cold: nothing in a cache', 'Warm: the same plane again'];

export const strideTimes: Builder = (own, results) => {
  const { layouts } = dataOf(own, dataSchema);
  const rows = layouts.flatMap((layout) => planes.map((plane) => rowAt(results, own.id, layout, plane)));
  const y = (i: number): number => rows.length - 1 - i - Math.floor(i / planes.length) * 0.4;
  const times = (w: 'cold' | 'warm'): Quantity[] =>
    rows.flatMap(({ times: t }) => [t[w].predicted, t[w].measured]);
  const all = [...times('cold'), ...times('warm')];
  const scale = logAxis(
    all.flatMap((q) => [q.value, q.uncertainty?.low ?? q.value, q.uncertainty?.high ?? q.value]),
  );
  const touched = rows.map((r) => r.touched);
  const bottom = y(rows.length - 1);
  return {
    title: own.title,
    caption: caption(rows),
    alt: altText(rows),
    spec: {
      data: [
        points(touched, rows, y, 'x', 'derived', 1e-3),
        ...(['cold', 'warm'] as const).flatMap((w, k) => [
          points(
            rows.map((r) => r.times[w].measured),
            rows,
            y,
            `x${k + 2}`,
            'measured',
          ),
          points(
            rows.map((r) => r.times[w].predicted),
            rows,
            y,
            `x${k + 2}`,
            'derived',
          ),
        ]),
      ],
      layout: {
        template,
        width: width.two,
        height: margin.t + Math.round((rows.length + 0.8) * rowHeight) + margin.b,
        margin,
        xaxis: {
          ...logAxis(touched.map((q) => q.value / 1000)),
          domain: domains[0],
          anchor: 'y',
          title: { text: 'Touched (kB)' },
        },
        xaxis2: { ...scale, domain: domains[1], anchor: 'y', title: axisTitle('Time of a plane', all) },
        xaxis3: { ...scale, domain: domains[2], anchor: 'y', title: axisTitle('Time of a plane', all) },
        yaxis: {
          range: [bottom - 0.6, rows.length - 0.4],
          tickvals: rows.map((_, i) => y(i)),
          ticktext: rows.map((r) => `${planeStyle[r.plane].title}`),
          ticks: '',
          showline: false,
          fixedrange: true,
        },
        shapes: rows.map((_, i) => ({
          type: 'line',
          xref: 'paper',
          yref: 'y',
          x0: 0,
          x1: 1,
          y0: y(i),
          y1: y(i),
          line: { color: grey.rule, width: 1 },
          layer: 'below',
        })),
        annotations: [
          ...headings.map((text, k) => heading(text, k)),
          legend,
          ...layouts.map((layout, k) => layoutLabel(layoutTitle[layout], y(k * planes.length + 1))),
        ],
        showlegend: false,
      },
    },
    rows: rows.flatMap((r) => {
      const group = `${r.plane}, ${layoutTitle[r.layout]}`;
      return [
        rowOf(r.touched, 'Bytes in touched cache lines', group),
        ...(['cold', 'warm'] as const).flatMap((w) => [
          rowOf(r.times[w].predicted, `Predicted time, ${w}`, group),
          rowOf(r.times[w].measured, `Measured time, ${w}`, group),
        ]),
      ];
    }),
    uses: [own, ...touched, ...all],
  };
};

function rowAt(results: Results, figure: string, layout: Layout, plane: PlaneName): Row {
  const get = (id: string): Quantity => quantity(results, `strides.${id}.${layout}.${plane}`, figure);
  const at = (w: 'cold' | 'warm'): Row['times']['cold'] => ({
    predicted: get(`predicted.${w}`),
    measured: get(`time.${w}`),
  });
  return { layout, plane, touched: get('bytes-touched'), times: { cold: at('cold'), warm: at('warm') } };
}

function points(
  quantities: Quantity[],
  rows: Row[],
  y: (i: number) => number,
  xaxis: string,
  name: string,
  scale = 1,
): Trace {
  const markers = quantities.map((q, i) => {
    const { colour, symbol } = planeStyle[rows[i].plane];
    return kindMarker(q.kind, colour, symbol);
  });
  const whiskers = errorBars(quantities);
  return {
    type: 'scatter',
    mode: 'markers',
    name,
    x: quantities.map((q) => q.value * scale),
    y: rows.map((_, i) => y(i)),
    xaxis,
    yaxis: 'y',
    marker: {
      symbol: markers.map((m) => m.symbol ?? null),
      color: markers.map((m) => m.color ?? null),
      size: 8,
      line: {
        color: quantities.map((q, i) =>
          q.kind === 'measured' ? '#ffffff' : planeStyle[rows[i].plane].colour,
        ),
        width: 1.25,
      },
    },
    // Without caps: an interval that its marker covers would show as stray ticks.
    error_x: whiskers && { ...whiskers, width: 0 },
    hovertext: quantities.map(
      (q, i) =>
        `${rows[i].plane}, ${layoutTitle[rows[i].layout]}, ${name}: ${formatQuantity(q.value, q.unit)}`,
    ),
    hoverinfo: 'text',
  };
}

function heading(text: string, k: number): JsonObject {
  return {
    text: `<b>${'abc'[k]}</b>\u00a0\u00a0${text}`,
    xref: 'paper',
    yref: 'paper',
    x: domains[k][0],
    y: 1,
    xanchor: 'left',
    yanchor: 'bottom',
    yshift: 4,
    font: { size: size.heading },
  };
}

/** What filled and hollow mean. */
const legend: JsonObject = {
  text: `filled: measured, hollow: derived`,
  xref: 'paper',
  yref: 'paper',
  x: 1,
  y: 1,
  xanchor: 'right',
  yanchor: 'bottom',
  yshift: 24,
  font: { size: size.text, color: grey.soft },
};

/** The layout, upright at the left of its planes. */
function layoutLabel(text: string, y: number): JsonObject {
  return {
    text,
    xref: 'paper',
    yref: 'y',
    x: 0,
    xshift: -74,
    y,
    textangle: -90,
    xanchor: 'center',
    yanchor: 'middle',
    font: { size: size.text, color: grey.soft },
  };
}

function caption(rows: Row[]): string {
  const n = rows[0].times.cold.measured.uncertainty?.n;
  return (
    `Every plane in every layout. (a) Bytes in the cache lines that the plane touches, derived. (b) Time to gather it ` +
    `when no line of the volume is in a cache, and (c) when the same plane was gathered just before: filled markers are ` +
    `measured medians${n ? ` over ${formatNumber(n)} voxels` : ''} with 95\u202f% intervals where these are wider than the marker, hollow ones what the memory ` +
    `model of this machine predicts; no number of the model is fitted to these times. All axes are logarithmic.`
  );
}

function altText(rows: Row[]): string {
  const cold = rows.map(
    (r) =>
      `${r.plane} in ${layoutTitle[r.layout]} ${formatQuantity(r.times.cold.measured.value, 'us')} (predicted ${formatQuantity(r.times.cold.predicted.value, 'us')})`,
  );
  return `Three panels with a row for each plane and layout. Cold, measured: ${cold.join(', ')}.`;
}
