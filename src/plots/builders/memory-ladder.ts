// memory-ladder: how fast memory is, and how long a read takes, as the working set outgrows each cache.
//
// Data: `{caches: [{name, bytes}], rungs: [{bytes, copy, latency, independent, long, scattered}]}`, each measurement a
// median with its interval `{value, low, high}`; copy in B/s, the others in ns; `scattered` may be null.
import { z } from 'zod';
import { logAxis } from '../axes';
import type { Builder, DataRow } from '../figure';
import { dataOf } from '../figure';
import { formatNumber } from '../../results/format';
import type { JsonObject, Trace } from '../spec';
import { grey, palette, size, template, width } from '../theme';

const measured = z.strictObject({
  value: z.number().positive(),
  low: z.number().positive(),
  high: z.number().positive(),
});
const dataSchema = z.strictObject({
  caches: z.array(
    z
      .strictObject({ name: z.string(), bytes: z.number(), ways: z.number(), line: z.number() })
      .partial({ ways: true, line: true }),
  ),
  rungs: z
    .array(
      z.strictObject({
        bytes: z.number().positive(),
        copy: measured,
        latency: measured,
        independent: measured,
        scattered: measured.nullable(),
      }),
    )
    .min(2),
});

type Rung = z.infer<typeof dataSchema>['rungs'][number];
type Curve = 'copy' | 'latency' | 'independent' | 'scattered';

/** Each curve has a colour and a marker; the key names the marker. */
const style: Record<Curve, { title: string; marks: string; colour: string; symbol: string; unit: string }> = {
  copy: {
    title: 'copy',
    marks: 'diamonds',
    colour: palette.blue,
    symbol: 'diamond',
    unit: 'GB/s',
  },
  latency: {
    title: 'each waits for the one before',
    marks: 'squares',
    colour: palette.vermilion,
    symbol: 'square',
    unit: 'ns',
  },
  scattered: {
    title: 'independent, each in a page of its own',
    marks: 'triangles',
    colour: palette.orange,
    symbol: 'triangle-up',
    unit: 'ns',
  },
  independent: {
    title: 'independent',
    marks: 'circles',
    colour: palette.green,
    symbol: 'circle',
    unit: 'ns',
  },
};

const margin = { l: 48, r: 10, t: 46, b: 40 };
const domains = { left: [0, 0.42], right: [0.51, 1] };
const height = 250;

export const memoryLadder: Builder = (own) => {
  const { caches, rungs } = dataOf(own, dataSchema);
  const times = (['latency', 'scattered', 'independent'] as const).map((name) =>
    curve(rungs, name, 'x2', 'y2'),
  );
  const x = logAxis(rungs.map((r) => r.bytes));
  const binary = sizeTicks(rungs);
  const all = rungs.flatMap((r) => [r.latency, r.independent, ...(r.scattered ? [r.scattered] : [])]);
  const ends = (m: z.infer<typeof measured>): number[] => [m.value, m.low, m.high];
  const bandwidth = rungs.flatMap((r) => ends(r.copy).map((v) => v / 1e9));
  const shown = caches.filter((c) => c.bytes >= rungs[0].bytes && c.bytes <= rungs[rungs.length - 1].bytes);
  return {
    title: own.title,
    caption: caption(rungs, shown.length > 0),
    alt: alt(rungs),
    spec: {
      data: [curve(rungs, 'copy', 'x', 'y'), ...times],
      layout: {
        template,
        width: width.two,
        height,
        margin,
        xaxis: { ...x, ...binary, domain: domains.left, anchor: 'y', title: { text: 'Working set' } },
        xaxis2: { ...x, ...binary, domain: domains.right, anchor: 'y2', title: { text: 'Working set' } },
        yaxis: { ...logAxis(bandwidth), anchor: 'x', title: { text: 'Copied (GB/s)' } },
        yaxis2: { ...logAxis(all.flatMap(ends)), anchor: 'x2', title: { text: 'Time of a read (ns)' } },
        showlegend: false,
        shapes: shown.flatMap((c) => ['x', 'x2'].map((xref) => cacheLine(c.bytes, xref))),
        annotations: [
          ...shown.flatMap((c) => ['x', 'x2'].map((xref) => cacheName(c, xref))),
          ...key(),
          heading('a', 'Bandwidth', domains.left[0], 1),
          heading('b', 'Waiting for one read', domains.right[0], 1),
        ],
      },
    },
    rows: rungs.flatMap((r) => rowsOf(r, own.id)),
    uses: [own],
  };
};

function curve(rungs: Rung[], name: Curve, xaxis: string, yaxis: string): Trace {
  const { title, colour, symbol, unit } = style[name];
  const points = rungs.flatMap((r) => {
    const m = r[name];
    return m ? [{ bytes: r.bytes, ...scaled(name, m) }] : [];
  });
  return {
    type: 'scatter',
    mode: 'lines+markers',
    name: title,
    x: points.map((p) => p.bytes),
    y: points.map((p) => p.value),
    error_y: {
      type: 'data',
      symmetric: false,
      array: points.map((p) => p.high - p.value),
      arrayminus: points.map((p) => p.value - p.low),
      thickness: 1,
      width: 2,
      color: colour,
    },
    xaxis,
    yaxis,
    line: { color: colour, width: 1.5 },
    marker: { color: colour, symbol, size: 6 },
    hovertext: points.map((p) => `${sizeText(p.bytes)}: ${formatNumber(p.value)} ${unit}`),
    hoverinfo: 'text',
  };
}

const scaled = (name: Curve, { value, low, high }: z.infer<typeof measured>): z.infer<typeof measured> =>
  name === 'copy' ? { value: value / 1e9, low: low / 1e9, high: high / 1e9 } : { value, low, high };

/** Ticks at every sixteenfold size. */
function sizeTicks(rungs: Rung[]): JsonObject {
  const tickvals = rungs.map((r) => r.bytes).filter((_, i) => i % 4 === 0);
  return { tickvals, ticktext: tickvals.map(sizeText) };
}

function sizeText(bytes: number): string {
  return bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;
}

function cacheLine(bytes: number, xref: string): JsonObject {
  const yref = xref === 'x' ? 'y domain' : 'y2 domain';
  return {
    type: 'line',
    xref,
    yref,
    x0: bytes,
    x1: bytes,
    y0: 0,
    y1: 1,
    line: { color: grey.soft, width: 1, dash: 'dot' },
    layer: 'below',
  };
}

function cacheName({ name, bytes }: { name?: string; bytes?: number }, xref: string): JsonObject {
  return {
    text: name,
    xref,
    yref: xref === 'x' ? 'y domain' : 'y2 domain',
    x: Math.log10(bytes!),
    y: 1,
    xanchor: 'center',
    yanchor: 'bottom',
    yshift: 1,
    font: { size: size.small, color: grey.soft },
  };
}

/** What the curves of the right panel are, in its corner that stays empty: the curves rise to the right. */
function key(): JsonObject[] {
  return (['latency', 'scattered', 'independent'] as const).map((name, i) => ({
    text: `${style[name].marks}: ${style[name].title}`,
    xref: 'x2 domain',
    yref: 'y2 domain',
    x: 0.02,
    y: 0.98,
    yshift: -i * 14,
    xanchor: 'left',
    yanchor: 'top',
    font: { size: size.text },
    bgcolor: '#ffffff',
    borderpad: 1,
  }));
}

function heading(letter: string, text: string, x: number, y: number): JsonObject {
  return {
    text: `<b>${letter}</b>\u00a0\u00a0${text}`,
    xref: 'paper',
    yref: 'paper',
    x,
    y,
    xanchor: 'left',
    yanchor: 'bottom',
    yshift: 20,
    font: { size: size.heading },
  };
}

function caption(rungs: Rung[], withCaches: boolean): string {
  const ends = `${sizeText(rungs[0].bytes)} to ${sizeText(rungs[rungs.length - 1].bytes)}`;
  return (
    `What memory does on this machine, for working sets of ${ends}; medians over rounds with 95\u202f% intervals. ` +
    `(a) Bandwidth of a copy. (b) Time until a read is done: when its address comes from the read before; when it is ` +
    `known ahead, so that several are in flight; and the same with each line in a page of its own.` +
    (withCaches ? ' Dotted: the sizes of the caches as the system gives them.' : '')
  );
}

function alt(rungs: Rung[]): string {
  const [first, last] = [rungs[0], rungs[rungs.length - 1]];
  const of = (r: Rung): string =>
    `${sizeText(r.bytes)}: copy ${formatNumber(r.copy.value / 1e9)} GB/s, dependent read ${formatNumber(r.latency.value)} ns, ` +
    `independent read ${formatNumber(r.independent.value)} ns`;
  return `Two panels over the working set, logarithmic. ${of(first)}. ${of(last)}.`;
}

function rowsOf(rung: Rung, figure: string): DataRow[] {
  return (Object.keys(style) as Curve[]).flatMap((name) => {
    const m = rung[name];
    if (!m) return [];
    const { value, low, high } = scaled(name, m);
    const quantity = name === 'copy' ? 'Copied' : `Time of a read: ${style[name].title}`;
    return [
      {
        result: figure,
        quantity,
        group: sizeText(rung.bytes),
        kind: 'measured' as const,
        value,
        unit: style[name].unit,
        low,
        high,
        level: 0.95,
      },
    ];
  });
}
