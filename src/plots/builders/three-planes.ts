// three-planes: the axial, coronal and sagittal slice through one voxel, side by side at one scale.
//
// Data: `{planes: [{name, width, height, png, maskPng, crosshair, spacing, letters}], source}`; pictures are PNG in
// base64. In each slice two lines show where the other two planes cut it; letters name the patient's sides.
import type { Builder, DataRow } from '../figure';
import type { Slices } from '../slices';
import { slicesOf } from '../slices';
import type { JsonObject, Trace } from '../spec';
import type { PlaneName } from '../theme';
import { grey, planeStyle, size, template, width } from '../theme';

type Slice = Slices['planes'][number];

/** What cuts a plane along its columns (vertical line) and along its rows (horizontal line). */
const cuts: Record<PlaneName, [columns: PlaneName, rows: PlaneName]> = {
  axial: ['sagittal', 'coronal'],
  coronal: ['sagittal', 'axial'],
  sagittal: ['coronal', 'axial'],
};
/** A second cue beside the colour of a cutting plane. */
const dashes: Record<PlaneName, string> = { axial: 'solid', coronal: 'dash', sagittal: 'dot' };

const margin = { l: 4, r: 4, t: 40, b: 4 };
/** Pixels between two slices. */
const gap = 8;

export const threePlanes: Builder = (own) => {
  const { planes, source } = slicesOf(own);
  const across = planes.map((p) => p.width * p.spacing[0]);
  const down = planes.map((p) => p.height * p.spacing[1]);
  const inner = width.two - margin.l - margin.r - gap * (planes.length - 1);
  // One scale for all three: a millimetre is as long in each slice.
  const pixelsPerMm = inner / across.reduce((sum, mm) => sum + mm, 0);
  const height = Math.ceil(Math.max(...down) * pixelsPerMm);
  const layout: JsonObject = {};
  const images: JsonObject[] = [];
  const annotations: JsonObject[] = [];
  const whole = width.two - margin.l - margin.r;
  let left = 0;
  planes.forEach((p, k) => {
    const right = left + across[k] * pixelsPerMm;
    const suffix = k === 0 ? '' : `${k + 1}`;
    const empty = {
      showgrid: false,
      zeroline: false,
      showline: false,
      ticks: '',
      showticklabels: false,
      fixedrange: true,
    };
    layout[`xaxis${suffix}`] = {
      ...empty,
      domain: [left / whole, right / whole],
      range: [0, across[k]],
      anchor: `y${suffix}`,
    };
    const bottom = 1 - (down[k] * pixelsPerMm) / height;
    layout[`yaxis${suffix}`] = { ...empty, domain: [bottom, 1], range: [down[k], 0], anchor: `x${suffix}` };
    images.push({
      source: `data:image/png;base64,${p.png}`,
      xref: `x${suffix}`,
      yref: `y${suffix}`,
      x: 0,
      y: 0,
      sizex: across[k],
      sizey: down[k],
      sizing: 'stretch',
      layer: 'below',
    });
    annotations.push(...lettersOf(p, k), headingOf(p, left / whole));
    left = right + gap;
  });
  return {
    title: own.title,
    caption:
      `The three planes through one voxel, at one scale. Lines show where the other two planes cut each slice; the ` +
      `letters name the patient's sides (radiological convention). Source: ${source.title} (${source.licence}).`,
    alt: `Axial, coronal and sagittal slice of a head (${source.title}), each with two lines that cross at the shared voxel.`,
    spec: {
      data: planes.flatMap(linesOf),
      layout: {
        ...layout,
        template,
        width: width.two,
        height: margin.t + height + margin.b,
        margin,
        images,
        annotations,
        showlegend: false,
      },
    },
    rows: planes.flatMap((p) => sizesOf(p, own.id)),
    uses: [own],
  };
};

/** The two lines in a slice. */
function linesOf(p: Slice, k: number): Trace[] {
  const suffix = k === 0 ? '' : `${k + 1}`;
  const at = p.crosshair.map((c, i) => (c + 0.5) * p.spacing[i]);
  const end = [p.width * p.spacing[0], p.height * p.spacing[1]];
  const line = (by: PlaneName, x: number[], y: number[]): Trace => ({
    type: 'scatter',
    mode: 'lines',
    x,
    y,
    xaxis: `x${suffix}`,
    yaxis: `y${suffix}`,
    line: { color: planeStyle[by].colour, width: 1.5, dash: dashes[by] },
    hovertext: `${planeStyle[by].title} plane`,
    hoverinfo: 'text',
  });
  const [columns, rows] = cuts[p.name];
  return [line(columns, [at[0], at[0]], [0, end[1]]), line(rows, [0, end[0]], [at[1], at[1]])];
}

/** The patient's sides, white on the dark margin of the slice. */
function lettersOf(p: Slice, k: number): JsonObject[] {
  const suffix = k === 0 ? '' : `${k + 1}`;
  const place = (text: string, x: number, y: number, xanchor: string, yanchor: string): JsonObject => ({
    text,
    xref: `x${suffix} domain`,
    yref: `y${suffix} domain`,
    x,
    y,
    xanchor,
    yanchor,
    showarrow: false,
    font: { color: '#ffffff', size: size.text },
  });
  const { left, right, top, bottom } = p.letters;
  // Beside the middle, so that no line runs through a letter.
  return [
    place(left, 0.01, 0.62, 'left', 'middle'),
    place(right, 0.99, 0.62, 'right', 'middle'),
    place(top, 0.62, 0.99, 'center', 'top'),
    place(bottom, 0.62, 0.01, 'center', 'bottom'),
  ];
}

function headingOf(p: Slice, x: number): JsonObject {
  const [columns, rows] = cuts[p.name];
  return {
    text:
      `<b>${planeStyle[p.name].title}</b>  ${p.width} × ${p.height}<br>` +
      `<span style="color:${grey.soft}">cut by ${columns} (${dashes[columns]}), ${rows} (${dashes[rows]})</span>`,
    xref: 'paper',
    yref: 'paper',
    x,
    y: 1,
    xanchor: 'left',
    yanchor: 'bottom',
    align: 'left',
    showarrow: false,
    font: { size: size.text },
  };
}

function sizesOf(p: Slice, result: string): DataRow[] {
  const row = (quantity: string, value: number, unit: string): DataRow => ({
    result,
    quantity,
    group: p.name,
    kind: 'derived',
    value,
    unit,
    low: null,
    high: null,
    level: null,
  });
  return [
    row('Columns', p.width, '1'),
    row('Rows', p.height, '1'),
    row('Column spacing', p.spacing[0], 'mm'),
    row('Row spacing', p.spacing[1], 'mm'),
  ];
}
