// The stamp as a line at the foot of the drawing: it stays with the picture wherever that is copied.
import { textWidth } from './fonts';
import type { PlotSpec } from './spec';
import type { Stamp } from './stamp';
import { stampParts } from './stamp';
import { grey, size } from './theme';

const lineHeight = 12;
const edge = 4;

/** Set parts one after another, `·` between them, on as many lines as the width needs. */
export function wrapParts(parts: readonly string[], pixels: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = lines.length > 0 ? `${lines[lines.length - 1]} · ${part}` : part;
    if (lines.length > 0 && textWidth(longer, 'regular', size.small) <= pixels)
      lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

/** The spec with the stamp below it; the picture grows by the lines that this takes. */
export function withFooter(spec: PlotSpec, stamp: Stamp): PlotSpec {
  const { layout } = spec;
  const margin = layout.margin as { l: number; r: number; t: number; b: number };
  const lines = wrapParts(stampParts(stamp), layout.width - 2 * edge);
  const taken = lines.length * lineHeight + edge;
  const footer = {
    text: lines.join('<br>'),
    align: 'left',
    xref: 'paper',
    yref: 'paper',
    x: 0,
    y: 0,
    xanchor: 'left',
    yanchor: 'bottom',
    xshift: edge - margin.l,
    yshift: edge / 2 - (margin.b + taken),
    showarrow: false,
    borderpad: 0,
    font: { size: size.small, color: grey.soft },
  };
  const annotations = Array.isArray(layout.annotations) ? layout.annotations : [];
  return {
    ...spec,
    layout: {
      ...layout,
      height: layout.height + taken,
      margin: { ...margin, b: margin.b + taken },
      annotations: [...annotations, footer],
    },
  };
}
