// kernel-transfer: what enlarging does to each frequency of a plane, by kernel.
//
// Data: `{from, to, planes, kernels: [{id, title, curve: [[f, dB]], points: [[f, dB]]}]}`. f is in units of the plane's
// Nyquist frequency; curves are derived from the kernel's formula, points measured on planes that were resized.
// Numbers, for each kernel K: `pixels.half-power.K` (where it halves the power), `pixels.loss-at-nyquist.K` (dB).
import { panelHeading } from '../panel-heading';
import { z } from 'zod';
import type { Builder, Quantity } from '../figure';
import { dataOf, pointRow, quantity, rowOf } from '../figure';
import { formatNumber, formatQuantity } from '../../results/format';
import type { JsonObject, PlotSpec, Trace } from '../spec';
import { grey, kindLine, kindMarker, palette, size, template, width } from '../theme';

const point = z.tuple([z.number().min(0), z.number()]);
const dataSchema = z.strictObject({
  from: z.number().int(),
  to: z.number().int(),
  planes: z.number().int(),
  kernels: z
    .array(
      z.strictObject({ id: z.string(), title: z.string(), curve: z.array(point), points: z.array(point) }),
    )
    .min(1)
    .max(4),
});
type Data = z.infer<typeof dataSchema>;

/** Colour, and marker as second cue. */
const styles = [
  { colour: palette.purple, symbol: 'diamond' },
  { colour: palette.green, symbol: 'triangle-up' },
  { colour: palette.blue, symbol: 'circle' },
  { colour: palette.vermilion, symbol: 'square' },
] as const;

interface Numbers {
  halfPower: Quantity;
  atNyquist: Quantity;
}

const margin = { l: 52, r: 12, t: 62, b: 40 };
const plotHeight = 200;
/** Width of a panel, and what each shows: frequencies and dB. */
const share = 0.46;
const panels = [
  { x: [0, 1.02], y: [-9, 1] },
  { x: [0, 3], y: [-42, 3] },
] as const;
const halved = 10 * Math.log10(0.5);

export const kernelTransfer: Builder = (own, results) => {
  const data = dataOf(own, dataSchema);
  const numbers = data.kernels.map(({ id }): Numbers => ({
    halfPower: quantity(results, `pixels.half-power.${id}`, own.id),
    atNyquist: quantity(results, `pixels.loss-at-nyquist.${id}`, own.id),
  }));
  return {
    title: own.title,
    caption: caption(data),
    alt: altText(data, numbers),
    spec: {
      data: [
        ...data.kernels.flatMap((kernel, k) => [
          curveOf(kernel, k, 0),
          pointsOf(kernel, k),
          curveOf(kernel, k, 1),
        ]),
        halfPowers(data, numbers),
      ],
      layout: layoutOf(data, numbers),
    },
    rows: [
      ...numbers.flatMap(({ halfPower, atNyquist }, k) => [
        rowOf(halfPower, 'Frequency at half the power, over Nyquist', data.kernels[k].title),
        rowOf(atNyquist, 'Attenuation at Nyquist', data.kernels[k].title),
      ]),
      ...data.kernels.flatMap(
        ({ title, points }) =>
        points.map(([f, dB]) => pointRow({ id: own.id, kind: 'measured' }, `Power after enlarging at ${f} of Nyquist`, title, dB, 'dB')), // prettier-ignore
      ),
    ],
    uses: [own, ...numbers.flatMap((n) => [n.halfPower, n.atNyquist])],
  };
};

const suffix = (panel: number): string => (panel === 0 ? '' : `${panel + 1}`);

/** Far below the panel a line is left out, so that no stroke runs along the axis. */
function curveOf({ title, curve }: Data['kernels'][number], k: number, panel: 0 | 1): Trace {
  const { x, y } = panels[panel];
  const shown = curve.filter(([f]) => f <= x[1]);
  return {
    type: 'scatter',
    mode: 'lines',
    name: title,
    showlegend: false,
    x: shown.map(([f]) => f),
    y: shown.map(([, dB]) => (dB < y[0] - 8 ? null : dB)),
    xaxis: `x${suffix(panel)}`,
    yaxis: `y${suffix(panel)}`,
    line: kindLine('derived', styles[k].colour),
    hoverinfo: 'skip',
  };
}

function pointsOf({ title, points }: Data['kernels'][number], k: number): Trace {
  return {
    type: 'scatter',
    mode: 'markers',
    name: title,
    x: points.map(([f]) => f),
    y: points.map(([, dB]) => dB),
    marker: { ...kindMarker('measured', styles[k].colour, styles[k].symbol), size: 5.5 },
    hovertext: points.map(
      ([f, dB]) =>
        `${title}, ${formatNumber(f, { digits: 2 })} of Nyquist: ${formatQuantity(dB, 'dB', { digits: 1 })}`,
    ),
    hoverinfo: 'text',
  };
}

function halfPowers(data: Data, numbers: Numbers[]): Trace {
  return {
    type: 'scatter',
    mode: 'markers',
    name: '−3 dB',
    showlegend: false,
    x: numbers.map((n) => n.halfPower.value),
    y: numbers.map(() => halved),
    marker: {
      symbol: numbers.map((_, k) => `${styles[k].symbol}-open`),
      color: numbers.map((_, k) => styles[k].colour),
      size: 10,
      line: { width: 1.5 },
    },
    hovertext: numbers.map(
      (n, k) => `${data.kernels[k].title}: −3 dB at ${formatNumber(n.halfPower.value)} of Nyquist`,
    ),
    hoverinfo: 'text',
  };
}

function layoutOf(data: Data, numbers: Numbers[]): PlotSpec['layout'] {
  const left = [0, 1 - share];
  const axes = panels.flatMap(({ x, y }, k) => [
    [
      `xaxis${suffix(k)}`,
      {
        domain: [left[k], left[k] + share],
        range: [...x],
        dtick: k === 0 ? 0.25 : 1,
        title: { text: 'Frequency over the Nyquist frequency' },
        anchor: `y${suffix(k)}`,
      },
    ],
    [
      `yaxis${suffix(k)}`,
      {
        range: [...y],
        dtick: k === 0 ? 3 : 10,
        title: { text: k === 0 ? 'Power after enlarging (dB)' : '' },
        anchor: `x${suffix(k)}`,
      },
    ],
  ]);
  const line = (at: JsonObject): JsonObject => ({
    type: 'line',
    line: { color: grey.soft, width: 1 },
    layer: 'below',
    ...at,
  });
  const heading = (k: number, text: string): JsonObject => panelHeading(k, text, left[k]);
  const soft = { borderpad: 1, font: { size: size.text, color: grey.soft } };
  const half = data.kernels.map(({ title }, k) => {
    const value = formatNumber(numbers[k].halfPower.value, { digits: 2 });
    return `${title.replace(/ \(.*/, '')}: <b>${value}</b>`;
  });
  return {
    template,
    width: width.two,
    height: margin.t + plotHeight + margin.b,
    margin,
    showlegend: true,
    // Above the headings.
    legend: { y: 1 + 24 / plotHeight },
    ...(Object.fromEntries(axes) as JsonObject),
    shapes: panels.flatMap(({ x }, k) => [
      line({ xref: `x${suffix(k)}`, x0: 1, x1: 1, yref: `y${suffix(k)} domain`, y0: 0, y1: 1 }),
      line({ xref: `x${suffix(k)}`, x0: 0, x1: x[1], yref: `y${suffix(k)}`, y0: halved, y1: halved }),
    ]),
    annotations: [
      heading(0, 'What the plane can hold'),
      heading(1, 'And beyond it'),
      {
        text: `−3 dB at<br>${half.join('<br>')}`,
        x: 0.03,
        y: -8.7,
        align: 'left',
        xanchor: 'left',
        yanchor: 'bottom',
        borderpad: 1,
      },
      { ...soft, text: 'Nyquist', x: 1, y: -9, xanchor: 'right', yanchor: 'bottom', xshift: -2 },
      {
        ...soft,
        text: 'copies (images)',
        xref: 'x2',
        yref: 'y2',
        x: 1.03,
        y: 2.5,
        xanchor: 'left',
        yanchor: 'top',
      },
    ],
  };
}

function caption(data: Data): string {
  return (
    `What enlarging ${data.from} samples to ${formatNumber(data.to)} does to the power at each frequency, by kernel. ` +
    `Dashed lines: derived from the kernel's formula. Filled markers: measured on ${formatNumber(data.planes)} coronal planes that were ` +
    `resized, power after over power before. Open markers: where a kernel halves the power (−3 dB). ` +
    `(a) Up to the Nyquist frequency of the plane, the finest pattern it can hold: what is weaker there is blur. ` +
    `Nearest repeats samples unevenly unless one size divides the other, which lifts its last points. ` +
    `(b) Above it: copies of the same content, which an ideal kernel would take away.`
  );
}

function altText(data: Data, numbers: Numbers[]): string {
  const say = data.kernels.map(
    ({ title }, k) =>
      `${title}: −3 dB at ${formatNumber(numbers[k].halfPower.value)} of the Nyquist frequency, ` +
      `${formatQuantity(numbers[k].atNyquist.value, 'dB')} lost at it`,
  );
  return `Curves of power against frequency that fall from 0 dB. ${say.join('. ')}. Measured points lie on the curves.`;
}
