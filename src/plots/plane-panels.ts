// Slices side by side at one scale, with the lines in which they meet and the patient's sides: what every figure of
// planes starts from.
import type { JsonObject, Trace } from './spec';
import type { PlaneName } from './theme';
import { grey, planeStyle, size } from './theme';

/** What a panel shows. */
export interface PanelPlane {
  name: PlaneName;
  width: number;
  height: number;
  /** PNG in base64. */
  png: string;
  /** Column and row of the shared voxel. */
  crosshair: readonly [number, number];
  /** mm between columns and between rows. */
  spacing: readonly [number, number];
  letters: { left: string; right: string; top: string; bottom: string };
}

/** The panels as parts of a plotly specification. Axes are numbered from 1 in the order of the planes. */
export interface Panels {
  traces: Trace[];
  axes: JsonObject;
  images: JsonObject[];
  annotations: JsonObject[];
  /** Pixels that the tallest slice takes. */
  height: number;
}

/** What cuts a plane along its columns (vertical line) and along its rows (horizontal line). */
const cuts: Record<PlaneName, [columns: PlaneName, rows: PlaneName]> = {
  axial: ['sagittal', 'coronal'],
  coronal: ['sagittal', 'axial'],
  sagittal: ['coronal', 'axial'],
};

/** Pixels between two slices. */
const gap = 8;
/** Pixels that a slice may be tall. */
const mostPixels = 400;

/**
 * The panels, from the top of the drawing.
 * @param width  pixels for all panels with the gaps between them
 * @param below  pixels of the drawing below the panels
 */
export function planePanels(planes: readonly PanelPlane[], width: number, below = 0): Panels {
  const across = planes.map((p) => p.width * p.spacing[0]);
  const down = planes.map((p) => p.height * p.spacing[1]);
  // One scale for all: a millimetre is as long in each slice. Long thin volumes leave room at the right.
  const wide = (width - gap * (planes.length - 1)) / across.reduce((sum, mm) => sum + mm, 0);
  const pixelsPerMm = Math.min(wide, mostPixels / Math.max(...down));
  const height = Math.ceil(Math.max(...down) * pixelsPerMm);
  const panels: Panels = { traces: [], axes: {}, images: [], annotations: [], height };
  let left = 0;
  planes.forEach((p, k) => {
    const right = left + across[k] * pixelsPerMm;
    const bottom = 1 - (down[k] * pixelsPerMm) / (height + below);
    const suffix = k === 0 ? '' : `${k + 1}`;
    panels.axes[`xaxis${suffix}`] = {
      ...bare,
      // Rounding must not carry the last one over the edge.
      domain: [left / width, Math.min(1, right / width)],
      range: [0, across[k]],
      anchor: `y${suffix}`,
    };
    panels.axes[`yaxis${suffix}`] = {
      ...bare,
      domain: [bottom, 1],
      range: [down[k], 0],
      anchor: `x${suffix}`,
    };
    panels.images.push({
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
    panels.traces.push(...linesOf(p, suffix));
    panels.annotations.push(...lettersOf(p, suffix), headingOf(p, left / width));
    left = right + gap;
  });
  return panels;
}

/** An axis that nobody sees. */
const bare: JsonObject = {
  showgrid: false,
  zeroline: false,
  showline: false,
  ticks: '',
  showticklabels: false,
  fixedrange: true,
};

/** The two lines in a slice. */
function linesOf(p: PanelPlane, suffix: string): Trace[] {
  const at = p.crosshair.map((c, i) => (c + 0.5) * p.spacing[i]);
  const end = [p.width * p.spacing[0], p.height * p.spacing[1]];
  const line = (by: PlaneName, x: number[], y: number[]): Trace => ({
    type: 'scatter',
    mode: 'lines',
    x,
    y,
    xaxis: `x${suffix}`,
    yaxis: `y${suffix}`,
    line: { color: planeStyle[by].colour, width: 1.5, dash: planeStyle[by].dash },
    hovertext: `${planeStyle[by].title} plane`,
    hoverinfo: 'text',
  });
  const [columns, rows] = cuts[p.name];
  return [line(columns, [at[0], at[0]], [0, end[1]]), line(rows, [0, end[0]], [at[1], at[1]])];
}

/** The patient's sides, white on the dark margin of the slice. */
function lettersOf(p: PanelPlane, suffix: string): JsonObject[] {
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

function headingOf(p: PanelPlane, x: number): JsonObject {
  const [columns, rows] = cuts[p.name];
  const named = (by: PlaneName): string => `${by} (${planeStyle[by].dash})`;
  return {
    text:
      `<b>${planeStyle[p.name].title}</b>  ${p.width} × ${p.height}<br>` +
      `<span style="color:${grey.soft}">cut by ${named(columns)}, ${named(rows)}</span>`,
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
