// linked-planes: three slices through one voxel with their masks, and below them what lies along each line in which
// two of them meet, as either plane holds it.
//
// Data: src/results/linked-planes.ts. The live form of this figure is the viewer (src/plots/viewer.ts).
import { differenceAlong, sharedSample } from '../../results/linked-geometry';
import type { LinkedLine, LinkedPlanes } from '../../results/linked-planes';
import { checkLinkedPlanes } from '../../results/linked-check';
import { formatNumber, formatQuantity, titleWithUnit } from '../../results/format';
import type { Result } from '../../results/result';
import type { Builder, Drawing } from '../figure';
import { pointRow } from '../figure';
import { rgb, withMask } from '../mask-layer';
import { planePanels } from '../plane-panels';
import type { JsonObject, Trace } from '../spec';
import { grey, labelColour, palette, planeStyle, size, template, width } from '../theme';

type Signal = LinkedPlanes['signals'][number];

const margin = { l: 42, r: 14, t: 40, b: 40 };
const inner = width.two - margin.l - margin.r;
/** Pixels: a row of profiles, a row of differences, and the room above a row for its heading. */
const height = { profile: 96, difference: 62, heading: 34, legend: 34, labels: 16 };
/** Pixels between two profiles. */
const gap = 14;

/** One row of three panels below the slices. */
interface Row {
  height: number;
  heading: number;
  title: string;
  /** The traces of a line's panel. */
  traces(line: LinkedLine): Trace[];
  axis: JsonObject;
  /** The values of all its panels, which share one scale. */
  values: (number | null)[];
}

export const linkedPlanes: Builder = (own) => ({
  ...drawLinkedPlanes(checkLinkedPlanes(own.figure?.data, own.id), own),
  uses: [own],
});

/** The drawing of linked planes that were checked. */
export function drawLinkedPlanes(
  data: LinkedPlanes,
  own: Pick<Result, 'id' | 'title' | 'kind'>,
): Omit<Drawing, 'uses'> {
  const rows = rowsOf(data);
  if (data.labels.length > 0) rows[0].heading += height.labels;
  const below = rows.reduce((sum, r) => sum + r.heading + r.height, 0);
  const panels = planePanels(
    data.planes.map((p) => ({
      ...p,
      letters: p.edges,
      png: p.maskPng ? withMask(p.png, p.maskPng, (label) => rgb(labelColour(label))) : p.png,
    })),
    inner,
    below,
  );
  const whole = panels.height + below;
  const layout = panels.axes;
  const annotations = [...panels.annotations];
  if (data.labels.length > 0) annotations.push(labelKey(data, 1 - panels.height / whole));
  const traces = panels.traces.map((t): Trace => ({ ...t, showlegend: false }));
  let taken = panels.height;
  rows.forEach((row, r) => {
    const top = 1 - (taken + row.heading) / whole;
    taken += row.heading + row.height;
    data.lines.forEach((line, k) => {
      const suffix = `${4 + 3 * r + k}`;
      const wide = (inner - 2 * gap) / 3;
      const left = (k * (wide + gap)) / inner;
      const last = r === rows.length - 1;
      // From edge to edge of the voxels.
      const [low, high] = [-0.5, line.count - 0.5].map((i) => positionOf(data, line, i));
      layout[`xaxis${suffix}`] = {
        domain: [left, Math.min(1, left + wide / inner)],
        anchor: `y${suffix}`,
        range: [low, high],
        nticks: 5,
        showticklabels: last,
        ...(last && { title: { text: 'From the shared voxel (mm)' } }),
      };
      layout[`yaxis${suffix}`] = {
        range: rangeOf(row.values),
        ...row.axis,
        domain: [Math.max(0, 1 - taken / whole), top],
        anchor: `x${suffix}`,
        showticklabels: k === 0,
        ...(k === 0 && { title: { text: row.title } }),
      };
      traces.push(
        ...row.traces(line).map((t) => ({
          ...t,
          x: Array.from({ length: line.count }, (_, i) => positionOf(data, line, i)),
          xaxis: `x${suffix}`,
          yaxis: `y${suffix}`,
          showlegend: t.showlegend === true && k === 0,
        })),
      );
      if (r === 0) annotations.push(headingOf(line, left, top));
    });
  });
  const legendAt = 1 - (panels.height + rows[0].heading + rows[0].height + height.legend) / whole;
  return {
    title: own.title,
    caption: captionOf(data),
    alt: altOf(data),
    spec: {
      data: traces,
      layout: {
        ...layout,
        template,
        width: width.two,
        height: margin.t + whole + margin.b,
        margin,
        images: panels.images,
        annotations,
        ...(rows.length > 1
          ? {
              showlegend: true,
              legend: {
                x: 0,
                y: legendAt,
                yanchor: 'bottom',
                font: { size: size.small },
                bgcolor: 'rgba(0,0,0,0)',
              },
            }
          : { showlegend: false }),
      },
    },
    rows: differencesOf(data).map(({ line, signal, mean, largest }) =>
      pointRow(
        own,
        `Mean difference between two planes, ${signal.title} (largest ${formatNumber(largest)})`,
        line.planes.join('-'),
        mean,
        signal.kind === 'image' ? data.window.unit : '1',
      ),
    ),
    viewer: data,
  };
}

/** What is drawn below the slices: the image, what resizing leaves of the agreement, and each prediction. */
function rowsOf({ signals, window, lines }: LinkedPlanes): Row[] {
  const [stored, ...others] = signals;
  const resized = others.filter((s) => s.kind === 'image');
  const rows: Row[] = [
    {
      height: height.profile,
      heading: height.heading,
      title: titleWithUnit(window.title, window.unit),
      traces: (line) => bothOf(line, stored),
      axis: {},
      values: lines.flatMap((l) => l.profiles[stored.key].flat()),
    },
  ];
  if (resized.length > 0) {
    rows.push({
      height: height.difference,
      heading: height.legend,
      title: 'Difference',
      traces: (line) =>
        resized.map((signal, i) => ({
          type: 'scatter',
          mode: 'lines',
          name: signal.title,
          showlegend: true,
          y: differenceAlong(line, signal.key),
          line: { ...resizedLine[i % resizedLine.length], width: 1 },
        })),
      axis: { zeroline: true, zerolinecolor: grey.rule, nticks: 4 },
      values: lines.flatMap((l) => resized.flatMap((signal) => differenceAlong(l, signal.key))),
    });
  }
  for (const prediction of signals.filter((s) => s.kind === 'prediction')) {
    rows.push({
      height: height.difference,
      heading: height.legend,
      title: prediction.title,
      traces: (line) => bothOf(line, prediction),
      axis: { tickvals: [0, 1] },
      values: [0, 1],
    });
  }
  return rows;
}

/** An axis's range with a little room; where nothing is known, any. */
function rangeOf(values: (number | null)[]): [number, number] {
  const known = values.filter((v): v is number => v !== null);
  const low = known.reduce((least, v) => Math.min(least, v), 0);
  const high = known.reduce((most, v) => Math.max(most, v), 0);
  const room = 0.04 * (high - low) || 1;
  return [low - room, high + room];
}

const resizedLine: JsonObject[] = [
  { color: palette.vermilion, dash: 'solid' },
  { color: palette.purple, dash: 'dash' },
  { color: palette.black, dash: 'dot' },
  { color: palette.sky, dash: 'dashdot' },
];

/** The values of both planes: the first broad and pale below, the second thin above, so that both show where they agree. */
function bothOf(line: LinkedLine, signal: Signal): Trace[] {
  return line.planes.map((name, k) => ({
    type: 'scatter',
    mode: 'lines',
    name: planeStyle[name].title,
    y: line.profiles[signal.key][k],
    line: {
      color: planeStyle[name].colour,
      dash: k === 0 ? 'solid' : planeStyle[name].dash,
      width: k === 0 ? 3.5 : 1.25,
    },
    ...(k === 0 && { opacity: 0.55 }),
  }));
}

/** Which colour is which label, right below the slices. */
export function labelKey({ labels }: Pick<LinkedPlanes, 'labels'>, y: number): JsonObject {
  const named = labels.map(({ value, name }) => `<span style="color:${labelColour(value)}">■</span> ${name}`);
  return {
    text: named.join('   '),
    xref: 'paper',
    yref: 'paper',
    x: 0,
    y,
    xanchor: 'left',
    yanchor: 'top',
    showarrow: false,
    font: { size: size.small },
  };
}

function headingOf(line: LinkedLine, x: number, y: number): JsonObject {
  const [a, b] = line.planes.map((name) => planeStyle[name].title);
  return {
    text: `<b>${a}</b> (broad) and <b>${b.toLowerCase()}</b> (thin)<br>run together towards ${line.towards}`,
    xref: 'paper',
    yref: 'paper',
    x,
    y,
    xanchor: 'left',
    yanchor: 'bottom',
    align: 'left',
    showarrow: false,
    font: { size: size.small },
  };
}

/** Millimetres from the shared voxel to sample i, towards the line's direction. */
function positionOf(data: LinkedPlanes, line: LinkedLine, i: number): number {
  return (i - sharedSample(data, line)) * line.spacing;
}

function differencesOf(
  data: LinkedPlanes,
): { line: LinkedLine; signal: Signal; mean: number; largest: number }[] {
  return data.signals.flatMap((signal) =>
    data.lines.map((line) => {
      const sizes = differenceAlong(line, signal.key).flatMap((d) => (d === null ? [] : [Math.abs(d)]));
      const mean = sizes.reduce((sum, d) => sum + d, 0) / Math.max(1, sizes.length);
      return { line, signal, mean, largest: sizes.reduce((most, d) => Math.max(most, d), 0) };
    }),
  );
}

function captionOf(data: LinkedPlanes): string {
  const { window, source, signals } = data;
  const all = differencesOf(data);
  const most = (s: Signal): number =>
    all.filter((d) => d.signal === s).reduce((m, d) => Math.max(m, d.largest), 0);
  const quantity = (v: number): string => formatQuantity(v, window.unit || '1', { significant: 2 });
  const pairs = data.lines.flatMap((l) => {
    const [a, b] = l.profiles[signals[0].key];
    return a.map((v, i) => [v, b[i]]);
  });
  const places = formatNumber(pairs.filter(([v, w]) => v !== null || w !== null).length);
  // A number in one plane and none in the other is no agreement.
  const torn = pairs.filter(([v, w]) => (v === null) !== (w === null)).length;
  const stored = most(signals[0]);
  const agreement =
    stored === 0 && torn === 0
      ? `As stored, both planes hold the same value at each of the ${places} places, bit for bit.`
      : `As stored, the planes differ by up to ${quantity(stored)}${torn > 0 ? `, and at ${formatNumber(torn)} places one holds no number` : ''}: they are not of one volume.`;
  const resized = signals
    .slice(1)
    .filter((s) => s.kind === 'image')
    .map((s) => `${s.title} ${quantity(most(s))}`);
  return (
    `Three planes through voxel (${data.voxel.join(', ')}), at one scale, and the values along the lines in which they ` +
    `meet. ${agreement}` +
    (resized.length > 0 ? ` Largest difference after resizing: ${resized.join('; ')}.` : '') +
    ` Black is ${quantity(window.black)}, white ${quantity(window.white)}.` +
    ` Source: ${source.title} (${source.licence}).`
  );
}

function altOf(data: LinkedPlanes): string {
  const named = data.labels.map((l) => l.name).join(', ');
  return (
    `Axial, coronal and sagittal slice (${data.source.title})${named && ` with ${named} marked`}, each with two lines ` +
    `that cross at the shared voxel; below, three profiles along the lines in which two of them meet.`
  );
}
