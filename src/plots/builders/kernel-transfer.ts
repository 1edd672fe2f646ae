// kernel-transfer: what enlarging does to each frequency of a plane, by kernel.
//
// Data: `{from, to, planes, kernels: [{id, title, curve: [[f, dB]], points: [[f, dB]]}]}`. f is in units of the plane's
// Nyquist frequency; curves are derived from the kernel's formula, points measured on planes that were resized.
// Numbers, for each kernel K: `pixels.half-power.K` (where it halves the power), `pixels.loss-at-nyquist.K` (dB).
import { z } from 'zod';
import type { Builder, Quantity } from '../figure';
import { dataOf, quantity, rowOf } from '../figure';
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

const margin = { l: 52, r: 12, t: 44, b: 40 };
const plotHeight = 220;
const floor = -42;
const ceiling = 3;

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
        ...data.kernels.flatMap((kernel, k) => [curveOf(kernel, k), pointsOf(kernel, k)]),
        halfPowers(data, numbers),
      ],
      layout: layoutOf(data, numbers),
    },
    rows: [
      ...numbers.flatMap(({ halfPower, atNyquist }, k) => [
        rowOf(halfPower, 'Frequency at half the power, over Nyquist', data.kernels[k].title),
        rowOf(atNyquist, 'Attenuation at Nyquist', data.kernels[k].title),
      ]),
      ...data.kernels.flatMap(({ title, points }) =>
        points.map(([f, dB]) => ({
          result: own.id,
          quantity: `Power after enlarging at ${f} of Nyquist`,
          group: title,
          kind: 'measured' as const,
          value: dB,
          unit: 'dB',
          ...{ low: null, high: null, level: null },
        })),
      ),
    ],
    uses: [own, ...numbers.flatMap((n) => [n.halfPower, n.atNyquist])],
  };
};

/** Below the floor a line leaves the picture; nulls break it there, so that no stroke runs along the axis. */
function curveOf({ title, curve }: Data['kernels'][number], k: number): Trace {
  return {
    type: 'scatter',
    mode: 'lines',
    name: title,
    showlegend: false,
    x: curve.map(([f]) => f),
    y: curve.map(([, dB]) => (dB < floor - 8 ? null : dB)),
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
    y: numbers.map(() => 10 * Math.log10(0.5)),
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
  const line = (at: JsonObject): JsonObject => ({
    type: 'line',
    line: { color: grey.soft, width: 1 },
    layer: 'below',
    ...at,
  });
  const note = (text: string, at: JsonObject): JsonObject => ({ text, borderpad: 1, ...at });
  const half = data.kernels.map(({ title }, k) => {
    const short = title.split(' (')[0];
    return `${short} <b>${formatNumber(numbers[k].halfPower.value, { digits: 2 })}</b>`;
  });
  return {
    template,
    width: width.two,
    height: margin.t + plotHeight + margin.b,
    margin,
    showlegend: true,
    legend: { orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom', font: { size: size.text } },
    xaxis: {
      range: [0, 3],
      tickvals: [0, 0.5, 1, 1.5, 2, 2.5, 3],
      title: { text: `Frequency over the Nyquist frequency of the plane (${data.from} samples)` },
    },
    yaxis: {
      range: [floor, ceiling],
      tickvals: [0, -3, -10, -20, -30, -40],
      ticktext: ['0', '−3', '−10', '−20', '−30', '−40'],
      title: { text: `Power after enlarging to ${formatNumber(data.to)} (dB)` },
    },
    shapes: [
      line({ xref: 'x', x0: 1, x1: 1, yref: 'paper', y0: 0, y1: 1 }),
      line({ xref: 'paper', x0: 0, x1: 1, yref: 'y', y0: 10 * Math.log10(0.5), y1: 10 * Math.log10(0.5) }),
    ],
    annotations: [
      note('what the plane holds', {
        x: 0.98,
        y: floor,
        xanchor: 'right',
        yanchor: 'bottom',
        font: { size: size.text, color: grey.soft },
      }),
      note('copies of it (images)', {
        x: 1.02,
        y: floor,
        xanchor: 'left',
        yanchor: 'bottom',
        font: { size: size.text, color: grey.soft },
      }),
      note(`−3 dB at: ${half.join(', ')}`, {
        xref: 'paper',
        x: 1,
        y: -3,
        xanchor: 'right',
        yanchor: 'bottom',
        yshift: 1,
        bgcolor: '#ffffff',
      }),
    ],
  };
}

function caption(data: Data): string {
  return (
    `What enlarging ${data.from} samples to ${formatNumber(data.to)} does to the power at each frequency, by kernel. ` +
    `Dashed lines: derived from the kernel's formula. Filled markers: measured on ${formatNumber(data.planes)} coronal planes that were ` +
    `resized, power after over power before. Open markers: where a kernel halves the power (−3 dB). Left of the upright line lies what the ` +
    `plane can hold, up to its Nyquist frequency; what is weaker there is blur. Right of it lie copies of the same content that ` +
    `an ideal kernel would take away.`
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
