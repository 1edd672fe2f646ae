// epoch-factor: what the published factor of an epoch can be made of. One bar a reading of it, from the one-view step on.
//
// Data: `{layouts: [name], opened: CARD | null}`. Numbers: `strides.factor.published`, `.arithmetic`, `.recompute`, and
// `.gathers.L` for each layout; where files were opened, `.anew.CARD` for the card named and for the fastest one.
import { z } from 'zod';
import type { Builder, Quantity } from '../figure';
import { dataOf, quantity, rowOf } from '../figure';
import { formatNumber } from '../../results/format';
import type { JsonObject, Trace } from '../spec';
import { grey, kindBar, palette, size, template, width } from '../theme';

const dataSchema = z.strictObject({
  layouts: z.array(z.enum(['file', 'copies', 'bricks'])).min(1),
  opened: z.string().nullable(),
});

/** What a bar adds to the three views' arithmetic. */
interface Bar {
  title: string;
  note: string;
  factor: Quantity;
  part: Part;
}
type Part = 'gathers' | 'opening' | 'recompute' | 'published';

/** What is added, each with a fill of its own: the colours are equally dark. Gathers are too narrow for a pattern. */
const added = {
  gathers: { colour: palette.vermilion, opacity: 'c0', shape: '' },
  opening: { colour: palette.purple, opacity: '40', shape: '\\' },
  recompute: { colour: palette.green, opacity: '40', shape: 'x' },
} as const;

const layoutTitle = { file: 'file order', copies: 'three copies', bricks: 'bricks' } as const;
const margin = { l: 214, r: 54, t: 26, b: 40 };
const rowHeight = 34;

export const epochFactor: Builder = (own, results) => {
  const data = dataOf(own, dataSchema);
  const get = (id: string): Quantity => quantity(results, `strides.factor.${id}`, own.id);
  const published = get('published');
  const arithmetic = get('arithmetic');
  const bars = barsOf(data, get);
  const top = Math.max(...bars.map((b) => b.factor.value), published.value);
  const y = bars.map((_, i) => bars.length - 1 - i);
  // What the first two parts are stands in one bar: they are the same in all.
  const firstDerived = bars.findIndex((b) => b.part !== 'published');
  return {
    title: own.title,
    caption: caption(published, arithmetic),
    alt: `Bars of the time of a three-view step over a one-view step. ${bars.map((b) => `${b.title}: ${formatNumber(b.factor.value, { digits: 2 })}`).join('; ')}.`,
    spec: {
      data: [...segments(bars, y, arithmetic)],
      layout: {
        template,
        width: width.two,
        height: margin.t + bars.length * rowHeight + margin.b,
        margin,
        barmode: 'overlay',
        bargap: 0.35,
        showlegend: false,
        xaxis: {
          range: [0, top * 1.04],
          dtick: 1,
          title: { text: 'Time of an epoch over that of the baseline' },
        },
        yaxis: {
          range: [-0.6, bars.length - 0.4],
          tickvals: y,
          ticktext: bars.map((b) => `${b.title}<br><span style="color:${grey.soft}">${b.note}</span>`),
          ticks: '',
          ticklabelstandoff: 4,
          showline: false,
          fixedrange: true,
        },
        shapes: [line(published.value, 'dash'), line(1, 'dot'), line(arithmetic.value, 'dot')],
        annotations: [
          above(`published ${formatNumber(published.value, { significant: 2 })}`, published.value),
          above('one view', 1),
          above('three views', arithmetic.value),
          within('one view', 0.5, y[firstDerived]),
          within('two more views', (1 + arithmetic.value) / 2, y[firstDerived]),
          ...bars.map((b, i) => ({
            text: `<b>${barText(b.factor)}</b>`,
            xref: 'x',
            yref: 'y',
            x: Math.max(b.factor.value, arithmetic.value),
            y: y[i],
            xanchor: 'left',
            yanchor: 'middle',
            xshift: 5,
            bgcolor: '#ffffff',
            borderpad: 1,
          })),
        ],
      },
    },
    rows: [
      rowOf(published, 'Factor', 'published'),
      rowOf(arithmetic, 'Factor', 'three views, arithmetic'),
      ...bars
        .filter((b) => b.part !== 'published')
        .map((b) => rowOf(b.factor, 'Factor', `${b.title}, ${b.note}`)),
    ],
    uses: [own, published, arithmetic, ...bars.map((b) => b.factor)],
  };
};

function barsOf({ layouts, opened }: z.infer<typeof dataSchema>, get: (id: string) => Quantity): Bar[] {
  const gathers = layouts.map((layout): Bar => ({
    title: `+ gathers, ${layoutTitle[layout]}`,
    note: 'at most: H100 at full rate, cold caches',
    factor: get(`gathers.${layout}`),
    part: 'gathers',
  }));
  const cards = opened === null ? [] : [...new Set([opened, 'h100-80'])];
  const names: Record<string, string> = { 'a100-40': 'A100', 'h100-80': 'H100', t4: 'T4' };
  const opening = cards.map((card): Bar => ({
    title: '+ file opened anew for each sample',
    note: `${names[card] ?? card}, utilisation assumed; baseline does not`,
    factor: get(`anew.${card}`),
    part: 'opening',
  }));
  return [
    {
      title: 'The study',
      note: 'published; baseline not named',
      factor: get('published'),
      part: 'published',
    },
    ...gathers,
    ...opening,
    {
      title: '+ each forward pass computed twice',
      note: 'FLOPs alone; baseline does not',
      factor: get('recompute'),
      part: 'recompute',
    },
  ];
}

/** One view, two more views, and what is added; what is still missing stays empty up to the dashed line. */
function segments(bars: Bar[], y: number[], arithmetic: Quantity): Trace[] {
  const derived = bars.map((b, i) => ({ ...b, y: y[i] })).filter((b) => b.part !== 'published');
  const bar = (
    at: typeof derived,
    from: (b: Bar) => number,
    to: (b: Bar) => number,
    marker: JsonObject,
    name: string,
  ): Trace => ({
    type: 'bar',
    orientation: 'h',
    name,
    y: at.map((b) => b.y),
    base: at.map(from),
    x: at.map((b) => to(b) - from(b)),
    width: at.map(() => 0.55),
    marker,
    hovertext: at.map((b) => `${b.title}: ${formatNumber(b.factor.value, { digits: 2 })}`),
    hoverinfo: 'text',
  });
  // Pale with an edge: only what was measured has the full colour.
  const pale = (c: string, opacity: '40' | '80' | 'c0', shape = ''): JsonObject => ({
    color: `${c}${opacity}`,
    line: { color: c, width: 1.25 },
    ...(shape && {
      pattern: {
        shape,
        fgcolor: c,
        bgcolor: '#ffffff',
        // Tiles of 8 pixels: resvg repeats tiles of whole pixels only without a drift.
        size: 8 / Math.SQRT2,
        solidity: 0.2,
        fgopacity: 0.7,
        fillmode: 'overlay',
      },
    }),
  });
  const published = bars.map((b, i) => ({ ...b, y: y[i] })).filter((b) => b.part === 'published');
  return [
    bar(
      published,
      () => 0,
      (b) => b.factor.value,
      kindBar('paper', grey.soft),
      'published',
    ),
    bar(
      derived,
      () => 0,
      () => 1,
      pale(palette.blue, '80'),
      'one view',
    ),
    bar(
      derived,
      () => 1,
      () => arithmetic.value,
      pale(palette.sky, '40'),
      'two more views',
    ),
    ...(['gathers', 'opening', 'recompute'] as const).flatMap((part) => {
      const own = derived.filter((b) => b.part === part && b.factor.value > arithmetic.value);
      return own.length > 0
        ? [
            bar(
              own,
              () => arithmetic.value,
              (b) => b.factor.value,
              pale(added[part].colour, added[part].opacity, added[part].shape),
              part,
            ),
          ]
        : [];
    }),
  ];
}

/** Published numbers as they were published, derived ones to two decimals. */
function barText({ kind, value }: Quantity): string {
  return formatNumber(value, kind === 'paper' ? { significant: 2 } : { digits: 2 });
}

function line(x: number, dash: string): JsonObject {
  return {
    type: 'line',
    xref: 'x',
    yref: 'paper',
    x0: x,
    x1: x,
    y0: 0,
    y1: 1,
    line: { color: grey.ink, width: 1, dash },
  };
}

function above(text: string, x: number): JsonObject {
  return {
    text,
    xref: 'x',
    yref: 'paper',
    x,
    y: 1,
    xanchor: 'center',
    yanchor: 'bottom',
    yshift: 2,
    font: { size: size.text },
  };
}

function within(text: string, x: number, y: number): JsonObject {
  return {
    text,
    xref: 'x',
    yref: 'y',
    x,
    y,
    xanchor: 'center',
    yanchor: 'middle',
    borderpad: 0,
    font: { size: size.small },
  };
}

function caption(published: Quantity, arithmetic: Quantity): string {
  return (
    `What an epoch that takes ${formatNumber(published.value, { significant: 2 })} times as long can be made of. Three views cost ` +
    `${formatNumber(arithmetic.value)} times the arithmetic of one (the first two parts). Waiting for gathers adds at most the narrow third part: ` +
    `on the fastest card at its full data-sheet rate, from cold caches, with nothing read ahead (the one view waits for ` +
    `its plane too, so fast layouts leave none at all). Opening the compressed ` +
    `file for every sample and computing each forward pass a second time to save memory can add as ` +
    `much as is missing, if the baseline did neither; the study says nothing about either. Derived from FLOPs, data ` +
    `sheets and gather times measured on this machine; no training step was run.`
  );
}
