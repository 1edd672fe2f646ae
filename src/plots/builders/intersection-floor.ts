// intersection-floor: what Eq. 2 charges reference masks for on resized planes, by size; a panel for each way of reading.
//
// Data: `{voxels, sizes, kernels: [{id, title}], readings: [{id, title}]}`. Numbers: `STUDY.floor.SIZE.KERNEL.READING`.
import { z } from 'zod';
import { formatNumber } from '../../results/format';
import type { Builder, Quantity } from '../figure';
import { dataOf, quantity, rowOf } from '../figure';
import { panelHeading } from '../panel-heading';
import type { JsonObject, PlotSpec, Trace } from '../spec';
import { kindLine, kindMarker, palette, template, width } from '../theme';

const named = z.strictObject({ id: z.string(), title: z.string() });
const dataSchema = z.strictObject({
  voxels: z.number().int(),
  sizes: z.array(z.number().int()).min(2),
  kernels: z.array(named).min(1).max(3),
  readings: z.array(named).min(1).max(3),
});
type Data = z.infer<typeof dataSchema>;

/** Colour, and marker as second cue, as the kernels have them where they are compared (kernel-transfer). */
const styles = [
  { colour: palette.purple, symbol: 'diamond' },
  { colour: palette.green, symbol: 'triangle-up' },
  { colour: palette.blue, symbol: 'circle' },
] as const;
const margin = { l: 58, r: 12, t: 62, b: 40 };
const plotHeight = 190;
const gap = 0.05;
/** The axis is logarithmic down to this; what is below stands on the line of zero. */
const least = 2e-5;
const zero = 8e-6;
const onAxis = (y: number): number => (y < least ? zero : y);

interface Point {
  size: number;
  kernel: number;
  reading: number;
  number: Quantity;
}

export const intersectionFloor: Builder = (own, results) => {
  const data = dataOf(own, dataSchema);
  const study = own.id.split('.')[0];
  const points = data.readings.flatMap((reading, r) =>
    data.kernels.flatMap((kernel, k) =>
      data.sizes.map((size): Point => ({
        size,
        kernel: k,
        reading: r,
        number: quantity(results, `${study}.floor.${size}.${kernel.id}.${reading.id}`, own.id),
      })),
    ),
  );
  return {
    title: own.title,
    caption: caption(data),
    alt: altText(data, points),
    spec: { data: traces(data, points), layout: layoutOf(data, points) },
    rows: points.map(({ size, kernel, reading, number }) =>
      rowOf(
        number,
        `Eq. 2 of the truth per foreground voxel, ${data.readings[reading].title.toLowerCase()}`,
        `${data.kernels[kernel].title}, ${size}`,
      ),
    ),
    uses: points.map(({ number }) => number),
  };
};

const suffix = (panel: number): string => (panel === 0 ? '' : `${panel + 1}`);

function traces({ kernels, readings }: Data, points: Point[]): Trace[] {
  return readings.flatMap((_, r) =>
    kernels.map(({ title }, k): Trace => {
      const own = points.filter(({ reading, kernel }) => reading === r && kernel === k);
      const { colour, symbol } = styles[k];
      return {
        type: 'scatter',
        mode: 'lines+markers',
        name: title,
        showlegend: r === 0,
        // Kernels stand a little apart, so that intervals do not hide each other.
        x: own.map(({ size }) => size * 2 ** ((k - (kernels.length - 1) / 2) * 0.12)),
        y: own.map(({ number }) => onAxis(number.value)),
        error_y: {
          type: 'data',
          symmetric: false,
          array: own.map(({ number: n }) =>
            n.uncertainty ? onAxis(n.uncertainty.high) - onAxis(n.value) : 0,
          ),
          arrayminus: own.map(({ number: n }) =>
            n.uncertainty ? onAxis(n.value) - onAxis(n.uncertainty.low) : 0,
          ),
          thickness: 1,
          width: 2,
          color: colour,
        },
        xaxis: `x${suffix(r)}`,
        yaxis: `y${suffix(r)}`,
        line: kindLine('measured', colour),
        marker: { ...kindMarker('measured', colour, symbol), size: 6 },
        hovertext: own.map(({ size, number }) => `${title}, ${size}: ${formatNumber(number.value)}`),
        hoverinfo: 'text',
      };
    }),
  );
}

function layoutOf({ sizes, readings }: Data, points: Point[]): PlotSpec['layout'] {
  const share = (1 - gap * (readings.length - 1)) / readings.length;
  const left = readings.map((_, r) => r * (share + gap));
  const top = Math.max(0.1, ...points.map(({ number: n }) => n.uncertainty?.high ?? n.value));
  const [low, high] = [Math.log10(sizes[0] / 1.4), Math.log10(sizes[sizes.length - 1] * 1.4)];
  const axes = readings.flatMap((_, r): [string, JsonObject][] => [
    [
      `xaxis${suffix(r)}`,
      {
        type: 'log',
        range: [low, high],
        tickvals: sizes,
        ticktext: sizes.map(String),
        domain: [left[r], left[r] + share],
        title: { text: 'Samples along the square' },
        anchor: `y${suffix(r)}`,
      },
    ],
    [
      `yaxis${suffix(r)}`,
      {
        type: 'log',
        range: [Math.log10(zero / 1.6), Math.log10(top * 1.4)],
        tickvals: [zero, 1e-4, 1e-3, 1e-2, 1e-1],
        ticktext: ['0', '0.0001', '0.001', '0.01', '0.1'],
        showticklabels: r === 0,
        title: { text: r === 0 ? 'Eq. 2 of the truth per lesion voxel' : '' },
        anchor: `x${suffix(r)}`,
      },
    ],
  ]);
  return {
    template,
    width: width.two,
    height: margin.t + plotHeight + margin.b,
    margin,
    showlegend: true,
    legend: { y: 1 + 24 / plotHeight },
    ...(Object.fromEntries(axes) as JsonObject),
    annotations: readings.map(({ title }, r) => panelHeading(r, title, left[r])),
  };
}

function caption({ voxels, readings }: Data): string {
  return (
    `What Eq. 2 charges reference masks of lesions for after each plane was stretched to a square on its own, over the lesion ` +
    `voxels on the lines: 1 would be every one of them contradicted. Planes through ${formatNumber(voxels)} lesion voxels; ` +
    `95 % bootstrap intervals over these. Panels: ${readings.map(({ title }) => title.toLowerCase()).join('; ')}. ` +
    `On the grid of the volume the charge is exactly 0. The axis is logarithmic; below ${least} it is drawn as 0. Markers of one size stand a little apart.`
  );
}

function altText({ sizes, kernels, readings }: Data, points: Point[]): string {
  const ends = [sizes[0], sizes[sizes.length - 1]];
  const say = readings.flatMap(({ title }, r) =>
    kernels.map((kernel, k) => {
      const [first, last] = ends.map(
        (size) => points.find((p) => p.size === size && p.kernel === k && p.reading === r)!.number.value,
      );
      return `${title}, ${kernel.title.toLowerCase()}: ${formatNumber(first)} at ${ends[0]}, ${formatNumber(last)} at ${ends[1]}`;
    }),
  );
  return `Lines of the charge against the size of the square. ${say.join('. ')}.`;
}
