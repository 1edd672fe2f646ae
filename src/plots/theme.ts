// The look of every figure: print sizes, type, colours, and how the kind of a number shows.
import type { Kind } from '../results/result';
import { fontFamily } from './fonts';
import type { JsonObject } from './spec';

/** Millimetres on paper as whole CSS pixels (96 to the inch), never wider than the column. */
export function mm(millimetres: number): number {
  return Math.floor((millimetres / 25.4) * 96);
}

/** Widths of one and of two columns, in pixels (89 and 183 mm, as Nature and Elsevier print). */
export const width = { one: mm(89), two: mm(183) } as const;

/** Type sizes in pixels. The smallest is 7 pt, the least that printers of journals ask for. */
export const size = { small: 9.34, text: 10, heading: 11 } as const;

/** Greys: ink for text and axes, soft for what stands back (5.9:1 on white), rule for lines that guide the eye. */
export const grey = { ink: '#222222', soft: '#5f5f5f', rule: '#d9d9d9' } as const;

/**
 * Okabe and Ito's colours, without the yellow (1.3:1 on white: a line in it cannot be seen). Every series also has
 * a second cue: a dash, a marker or a pattern.
 */
export const palette = {
  blue: '#0072B2',
  orange: '#E69F00',
  green: '#009E73',
  vermilion: '#D55E00',
  purple: '#CC79A7',
  sky: '#56B4E9',
  black: '#000000',
} as const;

/** The three planes, in the order in which they are always shown. */
export const planes = ['axial', 'coronal', 'sagittal'] as const;
export type PlaneName = (typeof planes)[number];

/** A plane looks the same in every figure: colour, and as second cue a marker or, for lines, a dash. */
export const planeStyle: Record<
  PlaneName,
  { title: string; colour: string; symbol: string; dash: 'solid' | 'dash' | 'dot' }
> = {
  axial: { title: 'Axial', colour: palette.blue, symbol: 'circle', dash: 'solid' },
  coronal: { title: 'Coronal', colour: palette.orange, symbol: 'square', dash: 'dash' },
  sagittal: { title: 'Sagittal', colour: palette.green, symbol: 'triangle-up', dash: 'dot' },
};

/** Colours of label values in masks, none of them a plane's. */
export const labelColours = [palette.vermilion, palette.sky, palette.purple, '#F0E442'] as const;

/** The colour of a label value, from 1. */
export function labelColour(value: number): string {
  return labelColours[(value - 1) % labelColours.length];
}

const dash: Record<Kind, string> = {
  paper: 'longdash',
  derived: 'dash',
  'dry-run': 'dashdot',
  measured: 'solid',
  assumed: 'dot',
};

/** Only what was measured has the full colour; a published value is grey, whatever its series. */
const ink = (kind: Kind, colour: string): string => (kind === 'paper' ? grey.soft : colour);

/** A line of a kind: solid for measured, dashes for the rest. */
export function kindLine(kind: Kind, colour: string): JsonObject {
  return { color: ink(kind, colour), dash: dash[kind], width: 1.5 };
}

/** A marker of a kind: filled for measured, hollow for derived, with a dot or a cross for the rest. */
export function kindMarker(kind: Kind, colour: string, symbol = 'circle'): JsonObject {
  const variant: Record<Kind, string> = {
    measured: symbol,
    derived: `${symbol}-open`,
    'dry-run': `${symbol}-open-dot`,
    assumed: `${symbol}-dot`,
    paper: 'x-thin-open',
  };
  const line = { color: ink(kind, colour), width: 1.5 };
  return {
    symbol: variant[kind],
    color: ink(kind, colour),
    size: 8,
    line: kind === 'measured' ? { width: 0 } : line,
  };
}

/** A bar of a kind: solid measured, hollow derived, hatched grey published, dotted assumed, pale dry run. */
export function kindBar(kind: Kind, colour: string): JsonObject {
  const shape: Record<Kind, string> = { paper: '/', derived: '', 'dry-run': '-', measured: '', assumed: '.' };
  const edge = ink(kind, colour);
  return {
    color: kind === 'measured' ? colour : '#ffffff',
    line: { color: edge, width: 1 },
    ...(shape[kind] && {
      pattern: {
        shape: shape[kind],
        fgcolor: edge,
        bgcolor: '#ffffff',
        // Tiles of 8 pixels, 25 in print: resvg repeats tiles of whole pixels only without a drift.
        size: shape[kind] === '/' ? 8 / Math.SQRT2 : 8,
        solidity: 0.25,
        fgopacity: 0.7,
        fillmode: 'overlay',
      },
    }),
  };
}

/** Quoted: a browser takes no unquoted name with a digit in it. */
const fontStack = `"${fontFamily}", sans-serif`;

const axis: JsonObject = {
  showline: true,
  linecolor: grey.ink,
  linewidth: 1,
  ticks: 'outside',
  ticklen: 4,
  tickcolor: grey.ink,
  showgrid: false,
  zeroline: false,
  separatethousands: false,
  title: { standoff: 6, font: { size: size.text } },
};

/** plotly's template: what every figure's layout starts from. */
export const template: JsonObject = {
  layout: {
    font: { family: fontStack, size: size.text, color: grey.ink },
    colorway: Object.values(palette),
    paper_bgcolor: '#ffffff',
    plot_bgcolor: '#ffffff',
    margin: { l: 48, r: 12, t: 26, b: 40 },
    hoverlabel: { font: { family: fontStack } },
    separators: '.\u202f',
    xaxis: axis,
    yaxis: axis,
    legend: { orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom', font: { size: size.text } },
    annotationdefaults: { showarrow: false, font: { size: size.text } },
  },
  data: { heatmap: [{ colorscale: 'Cividis' }], contour: [{ colorscale: 'Cividis' }] },
};
