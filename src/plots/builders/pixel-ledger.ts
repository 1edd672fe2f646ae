// pixel-ledger: what a square input is made of, for each plane and way to it.
//
// Data: `{planes: [[name, width, height]], ways: [{way, title, size}]}`.
// Numbers, for each way W and plane P: `pixels.original.W.P`, `.interpolated.W.P`, `.padded.W.P` (shares), `.flops.W.P`
// (MFLOP for each pixel of the plane).
import { panelHeading } from '../panel-heading';
import { z } from 'zod';
import type { Builder, Quantity, Results } from '../figure';
import { dataOf, quantity, rowOf } from '../figure';
import { formatNumber, formatQuantity, thinSpace } from '../../results/format';
import type { JsonObject, PlotSpec, Trace } from '../spec';
import { grey, palette, planeStyle, planes, template, width } from '../theme';

const dataSchema = z.strictObject({
  planes: z.array(z.tuple([z.enum(planes), z.number().int(), z.number().int()])).min(1),
  ways: z.array(z.strictObject({ way: z.string(), title: z.string(), size: z.number().int() })).min(1),
});
type Data = z.infer<typeof dataSchema>;

const parts = ['original', 'interpolated', 'padded'] as const;
type Part = (typeof parts)[number];

/** Fill and pattern: each part is told from the others without colour too. */
const look: Record<Part, JsonObject> = {
  original: { color: palette.blue, line: { color: palette.blue, width: 1 } },
  interpolated: {
    color: '#ffffff',
    line: { color: palette.orange, width: 1 },
    pattern: {
      shape: '/',
      fgcolor: palette.orange,
      bgcolor: '#ffffff',
      // Tiles of 8 pixels: resvg repeats tiles of whole pixels only without a drift.
      size: 8 / Math.SQRT2,
      solidity: 0.25,
      fillmode: 'overlay',
    },
  },
  padded: { color: '#ffffff', line: { color: grey.soft, width: 1 } },
};

interface Bar {
  plane: (typeof planes)[number];
  way: string;
  shares: Record<Part, Quantity>;
  flops: Quantity;
}

const margin = { l: 64, r: 12, t: 50, b: 38 };
const rowHeight = 46;
/** Share of the drawing's width between two panels. */
const gap = 0.04;

export const pixelLedger: Builder = (own, results) => {
  const data = dataOf(own, dataSchema);
  const bars = data.ways.flatMap(({ way }) =>
    data.planes.map(([plane]): Bar => barOf(results, way, plane, own.id)),
  );
  const drawn = bars.flatMap((b) => [...parts.map((p) => b.shares[p]), b.flops]);
  return {
    title: own.title,
    caption: caption(data),
    alt: altText(data, bars),
    spec: {
      data: data.ways.flatMap(({ way }, k) =>
        parts.map((part) =>
          barsOf(
            part,
            k,
            bars.filter((b) => b.way === way),
            data,
          ),
        ),
      ),
      layout: layoutOf(data, bars),
    },
    rows: bars.flatMap((b) => {
      const group = `${b.plane}, ${data.ways.find((w) => w.way === b.way)!.title}`;
      return [
        ...parts.map((p) => rowOf(b.shares[p], `Share of ${p} samples`, group)),
        rowOf(b.flops, 'FLOPs for each pixel', group),
      ];
    }),
    uses: [own, ...drawn],
  };
};

function barOf(results: Results, way: string, plane: Bar['plane'], figure: string): Bar {
  const of = (name: string): Quantity => quantity(results, `pixels.${name}.${way}.${plane}`, figure);
  return {
    plane,
    way,
    shares: { original: of('original'), interpolated: of('interpolated'), padded: of('padded') },
    flops: of('flops'),
  };
}

const suffix = (panel: number): string => (panel === 0 ? '' : `${panel + 1}`);
/** The first plane on top: y counts upwards. */
const rowY = (data: Data, plane: Bar['plane']): number =>
  data.planes.length - 1 - data.planes.findIndex(([name]) => name === plane);
const percent = (q: Quantity): string => `${formatNumber(100 * q.value, { digits: 1 })}${thinSpace}%`;

function barsOf(part: Part, panel: number, bars: Bar[], data: Data): Trace {
  return {
    type: 'bar',
    orientation: 'h',
    name: part,
    legendgroup: part,
    showlegend: panel === 0,
    // A bar of no length would still draw its edge.
    x: bars.map((b) => 100 * b.shares[part].value || null),
    y: bars.map((b) => rowY(data, b.plane) - 0.16),
    width: 0.42,
    xaxis: `x${suffix(panel)}`,
    yaxis: 'y',
    marker: look[part],
    hovertext: bars.map((b) => `${planeStyle[b.plane].title}: ${percent(b.shares[part])} ${part}`),
    hoverinfo: 'text',
  };
}

function layoutOf(data: Data, bars: Bar[]): PlotSpec['layout'] {
  const share = (1 - gap * (data.ways.length - 1)) / data.ways.length;
  const left = (k: number): number => k * (share + gap);
  const axes = Object.fromEntries(
    data.ways.map((_, k) => [
      `xaxis${suffix(k)}`,
      {
        domain: [left(k), left(k) + share],
        range: [0, 100.6],
        tickvals: [0, 25, 50, 75, 100],
        title: { text: 'Samples of the square (%)' },
        anchor: 'y',
        fixedrange: true,
      },
    ]),
  );
  const heading = (k: number): JsonObject =>
    panelHeading(k, `${data.ways[k].title}, ${formatNumber(data.ways[k].size)}`, left(k));
  const label = (b: Bar): JsonObject => {
    const k = data.ways.findIndex((w) => w.way === b.way);
    return {
      text: `<b>${percent(b.shares.original)}</b> original, ${formatQuantity(b.flops.value, b.flops.unit)} a pixel`,
      xref: 'paper',
      yref: 'y',
      x: left(k),
      y: rowY(data, b.plane) + 0.26,
      xanchor: 'left',
      yanchor: 'middle',
      borderpad: 0,
    };
  };
  return {
    template,
    width: width.two,
    height: margin.t + data.planes.length * rowHeight + margin.b,
    margin,
    barmode: 'stack',
    showlegend: true,
    // Above the headings.
    legend: { y: 1 + 24 / (data.planes.length * rowHeight), traceorder: 'normal' },
    ...axes,
    yaxis: {
      range: [-0.5, data.planes.length - 0.5],
      tickvals: data.planes.map(([plane]) => rowY(data, plane)),
      ticktext: data.planes.map(([plane, w, h]) => `${planeStyle[plane].title}<br>${w} × ${h}`),
      ticks: '',
      ticklabelstandoff: 4,
      showline: false,
      fixedrange: true,
    },
    annotations: [...data.ways.map((_, k) => heading(k)), ...bars.map(label)],
  };
}

function caption(data: Data): string {
  const sizes = data.planes.map(([plane, w, h]) => `${plane} ${w} × ${h}`).join(', ');
  return (
    `What a square input is made of, for planes of one volume (${sizes} pixels), in three ways. ` +
    `Original: as many samples as the plane has pixels. Interpolated: all others of the picture, which are combinations of these. ` +
    `Padded: constant. Bold: the original share; beside it the FLOPs that the image encoder spends (one forward pass) for each ` +
    `pixel of the plane. All numbers are derived from the sizes.`
  );
}

function altText(data: Data, bars: Bar[]): string {
  const say = (b: Bar): string =>
    `${b.plane} ${parts.map((p) => `${percent(b.shares[p])} ${p}`).join(', ')}, ${formatQuantity(b.flops.value, b.flops.unit)} a pixel`;
  return data.ways
    .map(
      ({ way, title }) =>
        `${title}: ${bars
          .filter((b) => b.way === way)
          .map(say)
          .join('; ')}.`,
    )
    .join(' ');
}
