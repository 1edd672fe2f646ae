// claim-verdicts: how many claims of each section have which verdict.
//
// Data: `{verdicts: [name, ...], places: [{title, counts: [number, ...]}]}`, counts in the order of the verdicts. They
// are counted as the figure is made, from the recorded results and the register, and are no results of their own.
import { z } from 'zod';
import type { Builder } from '../figure';
import { dataOf, pointRow } from '../figure';
import type { JsonObject, PlotSpec, Trace } from '../spec';
import { grey, palette, size, template, width } from '../theme';

const dataSchema = z
  .strictObject({
    verdicts: z.array(z.string()).min(1),
    places: z
      .array(z.strictObject({ title: z.string(), counts: z.array(z.number().int().nonnegative()) }))
      .min(1),
  })
  .refine((d) => d.places.every((p) => p.counts.length === d.verdicts.length), {
    error: 'each place has one count a verdict',
  });
type Data = z.infer<typeof dataSchema>;

const solid = (color: string): JsonObject => ({ color, line: { color, width: 1 } });
const patterned = (color: string, shape: '/' | 'x' | '.'): JsonObject => ({
  color: '#ffffff',
  line: { color, width: 1 },
  pattern: {
    shape,
    fgcolor: color,
    bgcolor: '#ffffff',
    // Tiles of 8 pixels, or of 5.12, 16 in print: resvg repeats tiles of whole pixels only without a drift.
    size: shape === '.' ? 5.12 : 8 / Math.SQRT2,
    solidity: 0.4,
    fillmode: 'overlay',
  },
});
/** In the order of the verdicts; each has a fill of its own, so that they are told apart in grey, too. */
const looks: readonly JsonObject[] = [
  solid(palette.green),
  patterned(palette.blue, '/'),
  patterned(palette.vermilion, 'x'),
  patterned(palette.purple, '.'),
  solid(grey.ink),
  { color: '#ffffff', line: { color: grey.soft, width: 1 } },
];

const margin = { l: 176, r: 8, t: 76, b: 40 };
const rowHeight = 12;

export const claimVerdicts: Builder = (own) => {
  const data = dataOf(own, dataSchema);
  const total = data.places.flatMap((p) => p.counts).reduce((a, b) => a + b, 0);
  return {
    title: own.title,
    caption:
      `What became of ${total} claims, by the section in which they are made. A verdict is computed from recorded results ` +
      `and from what cited sources say. Sections are in the order of the two documents.`,
    alt: `Bars, one a section. ${data.places.map((p) => sentence(data, p)).join(' ')}`,
    spec: { data: data.verdicts.map((_, k) => bars(data, k)), layout: layout(data) },
    rows: data.places.flatMap(
      (place) =>
      data.verdicts.map((verdict, k) => pointRow(own, `Claims: ${verdict}`, place.title, place.counts[k], '1')), // prettier-ignore
    ),
    uses: [own],
  };
};

function sentence({ verdicts }: Data, { title, counts }: Data['places'][number]): string {
  const parts = verdicts.flatMap((v, k) => (counts[k] > 0 ? `${counts[k]} ${v}` : []));
  return `${title}: ${parts.join(', ')}.`;
}

/** The first place on top: y counts upwards. */
const rowY = (data: Data, i: number): number => data.places.length - 1 - i;

function bars(data: Data, k: number): Trace {
  return {
    type: 'bar',
    orientation: 'h',
    name: data.verdicts[k],
    // A bar of no length would still draw its edge.
    x: data.places.map((p) => p.counts[k] || null),
    y: data.places.map((_, i) => rowY(data, i)),
    width: 0.72,
    marker: looks[k % looks.length],
    hovertext: data.places.map((p) => `${p.title}: ${p.counts[k]} ${data.verdicts[k]}`),
    hoverinfo: 'text',
  };
}

function layout(data: Data): PlotSpec['layout'] {
  const longest = Math.max(...data.places.map((p) => p.counts.reduce((a, b) => a + b, 0)));
  const height = data.places.length * rowHeight;
  return {
    template,
    width: width.one,
    height: margin.t + height + margin.b,
    // The legend must not push the margin out: the foot of the figure is set by it.
    margin: { ...margin, autoexpand: false },
    barmode: 'stack',
    showlegend: true,
    legend: {
      x: -margin.l / (width.one - margin.l - margin.r),
      y: 1 + 4 / height,
      traceorder: 'normal',
      font: { size: size.small },
      entrywidth: 112,
      entrywidthmode: 'pixels',
    },
    xaxis: { range: [0, longest + 0.3], title: { text: 'Claims' }, dtick: 5, fixedrange: true },
    yaxis: {
      range: [-0.6, data.places.length - 0.4],
      tickvals: data.places.map((_, i) => rowY(data, i)),
      ticktext: data.places.map((p) => p.title),
      tickfont: { size: size.small },
      ticks: '',
      ticklabelstandoff: 4,
      showline: false,
      fixedrange: true,
    },
  };
}
