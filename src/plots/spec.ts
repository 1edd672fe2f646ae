// The plotly specification as this project uses it: plain JSON, nothing that only a browser could hold.

/** A value that JSON can hold. */
export type Json = string | number | boolean | null | Json[] | JsonObject;

/** An object that JSON can hold; a key whose value is `undefined` is left out. */
export interface JsonObject {
  [key: string]: Json | undefined;
}

/** One series: plotly's `type` and its attributes. */
export type Trace = JsonObject & { type: TraceType };

/** The picture: series, layout (with width and height in CSS pixels of 1/96 inch). */
export interface PlotSpec {
  data: Trace[];
  layout: JsonObject & { width: number; height: number };
}

/**
 * The trace types the static pipeline draws; each was compared with Chromium (test/plots/chromium.test.ts).
 * WebGL types (scattergl, surface, mesh3d ...) need a graphics card or a browser; pie places its outside labels by
 * measuring that happens in a browser only.
 */
export const traceTypes = ['scatter', 'bar', 'box', 'violin', 'histogram', 'heatmap', 'contour'] as const;

export type TraceType = (typeof traceTypes)[number];

/**
 * What every live figure is opened with: no button that sends the data to a server (on by default in plotly 4.1), no
 * logo, and only the two buttons for which there is room beside the headings (zoom by dragging, reset by a double click).
 */
export const liveConfig = {
  showSendToCloud: false,
  displaylogo: false,
  responsive: false,
  modeBarButtonsToRemove: ['zoom2d', 'pan2d', 'select2d', 'lasso2d', 'zoomIn2d', 'zoomOut2d', 'autoScale2d'],
};
