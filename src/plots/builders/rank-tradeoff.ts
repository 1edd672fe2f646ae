// rank-tradeoff: rank in segmentation against rank in classification, one panel a backbone, best in the upper right corner.
//
// Data: `{backbones: [{id, title, printed: [[method, segmentation, classification]]}]}`; crosses stand where a printed rank
// is not the derived one. Numbers: `view-alignment.rank.segmentation.B.M` and `.classification.B.M`.
import { z } from 'zod';
import { formatNumber } from '../../results/format';
import type { Builder, Quantity } from '../figure';
import { dataOf, quantity, rowOf } from '../figure';
import type { MethodId } from '../method-style';
import { methodIds, methodStyle } from '../method-style';
import { panelHeading } from '../panel-heading';
import type { JsonObject, PlotSpec, Trace } from '../spec';
import { grey, kindMarker, size, template, width } from '../theme';

const dataSchema = z.strictObject({
  backbones: z
    .array(
      z.strictObject({
        id: z.string(),
        title: z.string(),
        printed: z.array(z.tuple([z.enum(methodIds), z.number(), z.number()])).min(1),
      }),
    )
    .min(1),
});

interface Point {
  method: MethodId;
  segmentation: Quantity;
  classification: Quantity;
  printed: [segmentation: number, classification: number];
}
interface Panel {
  title: string;
  points: Point[];
}

const margin = { l: 44, r: 10, t: 26, b: 38 };
const plotHeight = 220;
const gap = 0.09;
/** Half of a unit of the last printed digit, and what ties of printed values leave open. */
const apart = 0.07;

/** Where a name stands beside its point, so that neighbours keep clear of each other. */
const side: Record<MethodId, 'left' | 'right' | 'below'> = {
  ae: 'right',
  mae: 'right',
  cva: 'left',
  'c-cva': 'left',
  con: 'left',
  'cva-con': 'right',
  'c-cva-con': 'below',
};

export const rankTradeoff: Builder = (own, results) => {
  const { backbones } = dataOf(own, dataSchema);
  const panels = backbones.map(({ id, title, printed }): Panel => {
    const rank = (task: string, method: string): Quantity =>
      quantity(results, `view-alignment.rank.${task}.${id}.${method}`, own.id);
    return {
      title,
      points: printed.map(([method, ...ranks]) => ({
        method,
        segmentation: rank('segmentation', method),
        classification: rank('classification', method),
        printed: ranks,
      })),
    };
  });
  const points = panels.flatMap((panel) => panel.points.map((point) => ({ panel, point })));
  return {
    title: own.title,
    caption:
      `Mean rank in segmentation (${panelsText(panels)}) against mean rank in classification of the published ways of ` +
      `pre-training, 1 being best: the upper right corner is best in both. Ranks are derived from the printed columns; equal ` +
      `values share their places. A thin cross marks a printed rank that differs. Triangles: with the contrastive term. ` +
      `Blue: the cosine form of the local term (CVA); orange, as diamonds and as triangles that point down: its contrastive form (C-CVA). One run a point, ` +
      `no intervals were published, and learning rates differ between rows of ResEnc-L.`,
    alt: panels
      .map(
        (panel) =>
          `${panel.title}: ${panel.points
            .map(
              (p) =>
                `${methodStyle[p.method].title} segmentation ${text(p.segmentation.value)}, classification ${text(p.classification.value)}`,
            )
            .join('; ')}.`,
      )
      .join(' '),
    spec: { data: panels.flatMap(tracesOf), layout: layoutOf(panels) },
    rows: points.flatMap(({ panel, point }) => {
      const group = `${panel.title}, ${methodStyle[point.method].title}`;
      return [
        rowOf(point.segmentation, 'Rank in segmentation', group),
        rowOf(point.classification, 'Rank in classification', group),
      ];
    }),
    uses: [own, ...points.flatMap(({ point }) => [point.segmentation, point.classification])],
  };
};

const text = (rank: number): string => formatNumber(rank, { digits: 2 });
const panelsText = (panels: Panel[]): string => panels.map((p, k) => `${'ab'[k]}, ${p.title}`).join('; ');
const suffix = (k: number): string => (k === 0 ? '' : `${k + 1}`);

function tracesOf({ points }: Panel, k: number): Trace[] {
  const axes = { xaxis: `x${suffix(k)}`, yaxis: `y${suffix(k)}` };
  const derived = points.map((p): Trace => {
    const { colour, symbol, title } = methodStyle[p.method];
    return {
      type: 'scatter',
      mode: 'markers',
      name: title,
      x: [p.segmentation.value],
      y: [p.classification.value],
      marker: { ...kindMarker('derived', colour, symbol), size: 9, line: { color: colour, width: 2 } },
      hovertext: [
        `${title}: segmentation ${text(p.segmentation.value)}, classification ${text(p.classification.value)}`,
      ],
      hoverinfo: 'text',
      ...axes,
    };
  });
  const off = points.filter(
    (p) =>
      Math.abs(p.printed[0] - p.segmentation.value) > apart ||
      Math.abs(p.printed[1] - p.classification.value) > apart,
  );
  const printed: Trace = {
    type: 'scatter',
    mode: 'markers',
    name: 'as printed',
    x: off.map((p) => p.printed[0]),
    y: off.map((p) => p.printed[1]),
    marker: { ...kindMarker('paper', grey.soft), size: 7 },
    hovertext: off.map((p) => `${methodStyle[p.method].title} as printed: ${p.printed.map(text).join(', ')}`),
    hoverinfo: 'text',
    ...axes,
  };
  return off.length > 0 ? [...derived, printed] : derived;
}

function layoutOf(panels: Panel[]): PlotSpec['layout'] {
  const share = (1 - gap * (panels.length - 1)) / panels.length;
  const left = (k: number): number => k * (share + gap);
  const range = [7.6, 0.5];
  const ticks = { tickvals: [1, 2, 3, 4, 5, 6, 7], range, fixedrange: true };
  const axes = panels.flatMap((_, k): [string, JsonObject][] => [
    [
      `xaxis${suffix(k)}`,
      {
        ...ticks,
        domain: [left(k), left(k) + share],
        anchor: `y${suffix(k)}`,
        title: { text: 'Rank in segmentation' },
      },
    ],
    [
      `yaxis${suffix(k)}`,
      { ...ticks, anchor: `x${suffix(k)}`, ...(k === 0 && { title: { text: 'Rank in classification' } }) },
    ],
  ]);
  const names = panels.flatMap(({ points }, k) =>
    points.map((p): JsonObject => {
      const at = side[p.method];
      return {
        text: methodStyle[p.method].title,
        xref: `x${suffix(k)}`,
        yref: `y${suffix(k)}`,
        x: p.segmentation.value,
        y: p.classification.value,
        xanchor: at === 'below' ? 'center' : at === 'left' ? 'right' : 'left',
        yanchor: at === 'below' ? 'top' : 'middle',
        xshift: at === 'below' ? 0 : at === 'left' ? -7 : 7,
        yshift: at === 'below' ? -6 : 0,
        borderpad: 0,
        font: { size: size.text },
      };
    }),
  );
  return {
    template,
    width: width.two,
    height: margin.t + plotHeight + margin.b,
    margin,
    showlegend: false,
    ...Object.fromEntries(axes),
    annotations: [...panels.map((p, k) => panelHeading(k, p.title, left(k))), ...names],
  };
}
