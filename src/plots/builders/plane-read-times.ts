// plane-read-times: what the memory layout predicts for a plane, and how long reading it took.
//
// Data: `{grid: [X, Y, Z], times: {axial: [µs], coronal: [µs], sagittal: [µs]}}`, the single times of each plane.
// Numbers: results `plane-reads.run-length.P` (B), `.runs.P`, `.time.P`, `.time-per-pixel.P` for each plane P, and
// `.ratio.P`, `.ratio-per-pixel.P` for coronal and sagittal.
import { panelHeading } from '../panel-heading';
import { z } from 'zod';
import type { Builder, DataRow, Quantity, Results } from '../figure';
import { logAxis } from '../axes';
import { axisTitle, dataOf, errorBars, pointRow, quantity, rowOf } from '../figure';
import { formatInterval, formatNumber, formatQuantity } from '../../results/format';
import type { JsonObject, PlotSpec, Trace } from '../spec';
import type { PlaneName } from '../theme';
import { grey, kindMarker, planes, planeStyle, template, width } from '../theme';

const times = z.array(z.number().positive()).min(1);
const dataSchema = z.strictObject({
  grid: z.tuple([z.number(), z.number(), z.number()]),
  times: z.strictObject({ axial: times, coronal: times, sagittal: times }),
});

type Times = z.infer<typeof dataSchema>['times'];
type PerPlane = Record<PlaneName, Quantity>;
type Ratios = Record<'coronal' | 'sagittal', Quantity>;

interface Panel {
  heading: string;
  axis: string;
  quantities: PerPlane;
  /** What stands above a plane's marker. */
  label: (plane: PlaneName) => string;
  /** What the axis must hold. */
  spread: number[];
}

const margin = { l: 56, r: 10, t: 26, b: 40 };
const rowHeight = 46;
/** Share of the drawing's width between two panels. */
const gap = 0.04;
/** Single times that are drawn for each plane; the CSV has all. */
const pointsDrawn = 120;

export const planeReadTimes: Builder = (own, results) => {
  const data = dataOf(own, dataSchema);
  const each = (name: string): PerPlane => ({
    axial: quantity(results, `plane-reads.${name}.axial`, own.id),
    coronal: quantity(results, `plane-reads.${name}.coronal`, own.id),
    sagittal: quantity(results, `plane-reads.${name}.sagittal`, own.id),
  });
  const runLength = each('run-length');
  const runs = each('runs');
  const time = each('time');
  const perPixel = each('time-per-pixel');
  const ratio = ratios(results, 'ratio', own.id);
  const ratioPerPixel = ratios(results, 'ratio-per-pixel', own.id);
  const panels: Panel[] = [
    {
      heading: 'Contiguous bytes, by the layout',
      axis: 'Length of one run',
      quantities: runLength,
      label: (p) => {
        const n = runs[p].value;
        return `${formatQuantity(runLength[p].value, 'B')}, ${formatNumber(n)} ${n === 1 ? 'run' : 'runs'}`;
      },
      spread: Object.values(runLength).map((q) => q.value),
    },
    {
      heading: 'Time to read one plane',
      axis: 'Time',
      quantities: time,
      label: (p) => withRatio(time[p], p, ratio),
      spread: Object.values(data.times).flat(),
    },
    {
      heading: 'Time for each pixel',
      axis: 'Time',
      quantities: perPixel,
      label: (p) => withRatio(perPixel[p], p, ratioPerPixel),
      spread: Object.values(perPixel).flatMap((q) => [
        q.uncertainty?.low ?? q.value,
        q.uncertainty?.high ?? q.value,
      ]),
    },
  ];
  const drawn = panels.flatMap((panel) => Object.values(panel.quantities));
  const compared = [...Object.values(ratio), ...Object.values(ratioPerPixel)];
  return {
    title: own.title,
    caption: caption(data, time),
    alt: altText(runLength, time, ratio),
    spec: { data: [points(data.times), ...panels.map(medians)], layout: layoutOf(panels) },
    rows: [
      ...panels.flatMap((panel) => planes.map((p) => rowOf(panel.quantities[p], panel.heading, p))),
      ...planes.map((p) => rowOf(runs[p], 'Contiguous runs', p)),
      ...(['coronal', 'sagittal'] as const).flatMap((p) => [
        rowOf(ratio[p], 'Time over axial', p),
        rowOf(ratioPerPixel[p], 'Time for each pixel over axial', p),
      ]),
      ...singleTimes(data.times, own.id),
    ],
    uses: [own, ...drawn, ...Object.values(runs), ...compared],
  };
};

function ratios(results: Results, name: string, figure: string): Ratios {
  return {
    coronal: quantity(results, `plane-reads.${name}.coronal`, figure),
    sagittal: quantity(results, `plane-reads.${name}.sagittal`, figure),
  };
}

function withRatio(q: Quantity, plane: PlaneName, ratio: Ratios): string {
  const text = formatQuantity(q.value, q.unit);
  return plane === 'axial' ? text : `${text}, <b>${overAxial(ratio[plane])}</b> axial`;
}

const overAxial = (q: Quantity): string => `${formatNumber(q.value, { significant: 2 })}\u202f×`;

/** Axial on top: y counts upwards. */
const rowY = (plane: PlaneName): number => planes.length - 1 - planes.indexOf(plane);
/** Markers stand below the middle of their row, under the label. */
const markerY = (plane: PlaneName): number => rowY(plane) - 0.14;
const suffix = (panel: number): string => (panel === 0 ? '' : `${panel + 1}`);

function medians(panel: Panel, k: number): Trace {
  const markers = planes.map((p) =>
    kindMarker(panel.quantities[p].kind, planeStyle[p].colour, planeStyle[p].symbol),
  );
  const pick = (key: string): JsonObject[string] => markers.map((m) => m[key] ?? null);
  const quantities = planes.map((p) => panel.quantities[p]);
  return {
    type: 'scatter',
    mode: 'markers',
    name: panel.heading,
    showlegend: false,
    x: quantities.map((q) => q.value),
    y: planes.map(markerY),
    xaxis: `x${suffix(k)}`,
    yaxis: 'y',
    marker: {
      symbol: pick('symbol'),
      color: pick('color'),
      size: 8,
      line: {
        color: planes.map((p) =>
          panel.quantities[p].kind === 'measured' ? '#ffffff' : planeStyle[p].colour,
        ),
        width: 1.25,
      },
    },
    error_x: errorBars(quantities),
    hovertext: planes.map((p) => `${planeStyle[p].title}: ${panel.label(p)}`),
    hoverinfo: 'text',
  };
}

/** The single times behind the medians, as faint points in the second panel. */
function points(all: Times): Trace {
  const shown = planes.flatMap((plane) => {
    const step = Math.max(1, all[plane].length / pointsDrawn);
    const count = Math.min(pointsDrawn, all[plane].length);
    return Array.from({ length: count }, (_, i) => ({ plane, value: all[plane][Math.floor(i * step)], i }));
  });
  return {
    type: 'scatter',
    mode: 'markers',
    name: 'Single times',
    showlegend: false,
    x: shown.map((s) => s.value),
    // Spread by the golden ratio: even, and the same each time.
    y: shown.map((s) => markerY(s.plane) - 0.2 + 0.4 * ((s.i * 0.618034) % 1)),
    xaxis: 'x2',
    yaxis: 'y',
    marker: { symbol: 'circle', size: 3, color: shown.map((s) => planeStyle[s.plane].colour), opacity: 0.3 },
    hoverinfo: 'skip',
  };
}

function layoutOf(panels: Panel[]): PlotSpec['layout'] {
  const share = (1 - gap * (panels.length - 1)) / panels.length;
  const left = (k: number): number => k * (share + gap);
  const axes = Object.fromEntries(
    panels.map((panel, k) => [
      `xaxis${suffix(k)}`,
      {
        ...logAxis(panel.spread),
        domain: [left(k), left(k) + share],
        title: axisTitle(panel.axis, Object.values(panel.quantities)),
        anchor: 'y',
      },
    ]),
  );
  const heading = (panel: Panel, k: number): JsonObject => panelHeading(k, panel.heading, left(k));
  const label = (panel: Panel, k: number, plane: PlaneName): JsonObject => ({
    text: panel.label(plane),
    xref: 'paper',
    yref: 'y',
    x: left(k),
    xshift: 6,
    y: rowY(plane) + 0.28,
    xanchor: 'left',
    yanchor: 'middle',
    borderpad: 0,
  });
  const dividers = [0.5, 1.5].flatMap((y) =>
    panels.map((_, k) => ({
      type: 'line',
      xref: 'paper',
      yref: 'y',
      x0: left(k),
      x1: left(k) + share,
      y0: y,
      y1: y,
      line: { color: grey.rule, width: 1 },
      layer: 'below',
    })),
  );
  return {
    template,
    width: width.two,
    height: margin.t + planes.length * rowHeight + margin.b,
    margin,
    ...axes,
    yaxis: {
      range: [-0.5, planes.length - 0.5],
      tickvals: planes.map(rowY),
      ticktext: planes.map((p) => planeStyle[p].title),
      ticks: '',
      showline: false,
      fixedrange: true,
    },
    shapes: dividers,
    annotations: panels.flatMap((panel, k) => [heading(panel, k), ...planes.map((p) => label(panel, k, p))]),
  };
}

function caption(data: z.infer<typeof dataSchema>, time: PerPlane): string {
  const counts = planes.map((p) => data.times[p].length);
  const n = Math.min(...counts);
  const level = time.axial.uncertainty?.level;
  const bars =
    level === undefined
      ? ''
      : ` with ${formatNumber(100 * level)}\u202f% intervals (where wider than the marker)`;
  const drawn = n > pointsDrawn ? `, ${pointsDrawn} of them drawn as points` : ', drawn as points';
  return (
    `Reading three planes through a voxel of a ${data.grid.join(' × ')} volume. ` +
    `(a) How many bytes of a plane lie side by side in memory, derived from the layout (hollow markers). ` +
    `(b) Time to copy one plane: medians${bars} over ${formatNumber(n)} voxels${drawn}. ` +
    `(c) The same for each pixel, since the planes differ in size. ` +
    `Bold: time over that of the axial plane of the same voxel, median. All axes are logarithmic.`
  );
}

function altText(runLength: PerPlane, time: PerPlane, ratio: Ratios): string {
  const bytes = planes.map((p) => `${p} ${formatQuantity(runLength[p].value, 'B')}`).join(', ');
  const took = planes.map((p) => `${p} ${formatQuantity(time[p].value, time[p].unit)}`).join(', ');
  const against = (['coronal', 'sagittal'] as const).map((p) => {
    const { uncertainty: u } = ratio[p];
    const range = u ? ` (${formatInterval(u.low, u.high, '', { significant: 2 })})` : '';
    return `${p} ${formatNumber(ratio[p].value, { significant: 2 })}${range}`;
  });
  return (
    `Three panels with one row for each plane. Contiguous bytes: ${bytes}. ` +
    `Median time to read one plane: ${took}. Time over axial: ${against.join(', ')}.`
  );
}

function singleTimes(all: Times, figure: string): DataRow[] {
  const own = { id: figure, kind: 'measured' } as const;
  return planes.flatMap((group) =>
    all[group].map((value) => pointRow(own, 'Single time to read one plane', group, value, 'us')),
  );
}
