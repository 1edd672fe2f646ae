// plotly without a browser: one happy-dom window, taught to measure text and to paint on a canvas.
import { readFileSync } from 'node:fs';
import { svgPathProperties } from 'svg-path-properties';
import { CanvasPixels } from './canvas';
import type { Box, Matrix } from './geometry';
import type { PlotSpec } from './spec';
import type { SvgElement } from './svg-metrics';
import { boundingBox, runWidth, toScreen } from './svg-metrics';

/** The part of plotly that is used here. */
interface Plotly {
  readonly version: string;
  toImage(
    spec: PlotSpec,
    options: { format: 'svg'; width: number; height: number; imageDataOnly: true },
  ): Promise<string>;
  /** A list of faults, or `undefined` where there are none. */
  validate(data: unknown[], layout: object): { code: string; msg: string }[] | undefined;
}

let loading: Promise<Plotly> | undefined;

/** plotly, loaded on first use (about 1 s) and kept. */
export function plotly(): Promise<Plotly> {
  loading ??= load();
  return loading;
}

/** The file of the bundle: pages copy it, notebooks are served it. */
export function plotlyBundle(): string {
  return require.resolve('plotly.js-dist');
}

async function load(): Promise<Plotly> {
  const { Window } = await import('happy-dom');
  const window = new Window({
    url: 'http://localhost/',
    settings: { enableJavaScriptEvaluation: true, suppressInsecureJavaScriptEnvironmentWarning: true },
  });
  teachCanvas(window.HTMLCanvasElement.prototype);
  teachSvg(window as unknown as Record<string, unknown>);
  // plotly makes an address for a worker when it loads; nothing here ever opens it.
  window.URL.createObjectURL = () => 'blob:unused';
  window.eval(readFileSync(plotlyBundle(), 'utf8'));
  return (window as unknown as { Plotly: Plotly }).Plotly;
}

function teachCanvas(prototype: object): void {
  const contexts = new WeakMap<object, CanvasPixels>();
  const contextOf = (canvas: { width: number; height: number }): CanvasPixels => {
    const context = contexts.get(canvas) ?? new CanvasPixels(canvas);
    contexts.set(canvas, context);
    return context;
  };
  Object.assign(prototype, {
    getContext(this: { width: number; height: number }, kind: string): CanvasPixels | null {
      return kind === '2d' ? contextOf(this) : null;
    },
    toDataURL(this: { width: number; height: number }): string {
      return contextOf(this).toDataURL();
    },
  });
}

function rectangle(box: Box | null): Record<string, number> {
  const [left, top, right, bottom] = box ?? [0, 0, 0, 0];
  return { x: left, y: top, left, top, right, bottom, width: right - left, height: bottom - top };
}

/** Give every SVG element the measuring methods of a browser. */
function teachSvg(window: Record<string, unknown>): void {
  const matrixObject = ([a, b, c, d, e, f]: Matrix): Record<string, number> => ({ a, b, c, d, e, f });
  const path = (element: SvgElement): InstanceType<typeof svgPathProperties> =>
    new svgPathProperties(element.getAttribute('d') ?? 'M0,0');
  const methods: Record<string, (this: SvgElement, at: number) => unknown> = {
    getBBox() {
      return rectangle(boundingBox(this));
    },
    getBoundingClientRect() {
      return rectangle(boundingBox(this, toScreen(this)));
    },
    getComputedTextLength() {
      return runWidth(this);
    },
    getTotalLength() {
      return path(this).getTotalLength();
    },
    getPointAtLength(at) {
      return path(this).getPointAtLength(at);
    },
    getCTM() {
      return matrixObject(toScreen(this));
    },
    getScreenCTM() {
      return matrixObject(toScreen(this));
    },
  };
  for (const [name, value] of Object.entries(Object.getOwnPropertyDescriptors(window))) {
    if (!/^SVG\w*Element$/.test(name)) continue;
    const constructor = value.value as { prototype: object } | undefined;
    // Subclasses have empty methods of their own that would hide the base class's.
    if (constructor?.prototype) Object.assign(constructor.prototype, methods);
  }
}

/** The SVG that plotly draws for a spec (into which it writes), as plotly writes it (random ids, browser-only style). */
export async function plotlySvg(spec: PlotSpec): Promise<string> {
  const { width, height } = spec.layout;
  return (await plotly()).toImage(spec, { format: 'svg', imageDataOnly: true, width, height });
}
