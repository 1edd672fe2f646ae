// agreement-maps: one plane of a case, voxel by voxel: where two ways to slice a volume agree with each other and with the truth.
//
// Data: `{name, slice, source: {title, licence}, panels: [{title, rows}]}`; rows run from top to bottom, a digit for each voxel: 1 for foreground by the
// first way, plus 2 by the second, plus 4 in truth.
import { z } from 'zod';
import type { Builder } from '../figure';
import { dataOf, pointRow } from '../figure';
import { panelHeading } from '../panel-heading';
import type { JsonObject, Trace } from '../spec';
import { grey, palette, size, template, width } from '../theme';

const dataSchema = z.strictObject({
  name: z.string(),
  slice: z.int().nonnegative(),
  source: z.strictObject({ title: z.string(), licence: z.string() }),
  panels: z
    .array(z.strictObject({ title: z.string(), rows: z.array(z.string().regex(/^[0-7]+$/)).min(1) }))
    .min(1)
    .max(4),
});
type Panel = z.infer<typeof dataSchema>['panels'][number];

/** What the three say together: a colour, and a symbol as second cue. */
const kinds = [
  { title: 'agree and are right', codes: [7], colour: grey.soft, symbol: 'square' },
  { title: 'disagree', codes: [1, 2, 5, 6], colour: palette.sky, symbol: 'cross-thin-open' },
  { title: 'agree and miss it', codes: [4], colour: palette.vermilion, symbol: 'circle-open' },
  { title: 'agree and invent it', codes: [3], colour: palette.black, symbol: 'x-thin-open' },
] as const;

const margin = { l: 8, r: 8, t: 28, b: 44 };
const gap = 12;

export const agreementMaps: Builder = (own) => {
  const { name, slice, source, panels } = dataOf(own, dataSchema);
  const columns = Math.max(...panels.flatMap(({ rows }) => rows.map((row) => row.length)));
  const lines = Math.max(...panels.map(({ rows }) => rows.length));
  const inner = width.two - margin.l - margin.r;
  const each = (inner - gap * (panels.length - 1)) / panels.length;
  const cell = Math.min(each / columns, 7);
  const left = (k: number): number => (k * (each + gap)) / inner;
  const counts = panels.map(countsOf);
  return {
    title: own.title,
    caption:
      `The plane of ${name} (slice ${slice}) that shows most of the truth. ${capital(kinds.map(({ title }, k) => `${['squares', 'plus signs', 'circles', 'crosses'][k]}: axial and coronal slices ${title}`).join('; '))}. ` +
      panels.map(({ title }, k) => `${capital(title)}: ${words(counts[k])}.`).join(' ') +
      ` Source: ${source.title} (${source.licence}), whose licence this picture carries.`,
    alt: panels.map(({ title }, k) => `${title}: ${words(counts[k])}.`).join(' '),
    spec: {
      data: panels.flatMap((panel, k) => tracesOf(panel, k, cell)),
      layout: {
        template,
        width: width.two,
        height: margin.t + cell * lines + margin.b,
        margin,
        showlegend: false,
        ...Object.fromEntries(
          panels.flatMap((_, k): [string, JsonObject][] => {
            const id = k === 0 ? '' : `${k + 1}`;
            const bare = { showgrid: false, zeroline: false, showticklabels: false, ticks: '', showline: true, mirror: true, linecolor: grey.rule, linewidth: 1 }; // prettier-ignore
            return [
              [`xaxis${id}`, { ...bare, domain: [left(k), left(k) + (cell * columns) / inner], anchor: `y${id}`, range: [-0.5, columns - 0.5] }], // prettier-ignore
              [`yaxis${id}`, { ...bare, domain: [0, 1], anchor: `x${id}`, range: [lines - 0.5, -0.5] }],
            ];
          }),
        ),
        annotations: [...panels.map(({ title }, k) => panelHeading(k, title, left(k))), ...kinds.map(key)],
      },
    },
    rows: panels.flatMap(({ title }, k) =>
      kinds.map((kind, i) => pointRow(own, `voxels, ${kind.title}`, title, counts[k][i], 'voxels')),
    ),
    uses: [own],
  };
};

const countsOf = ({ rows }: Panel): number[] =>
  kinds.map(({ codes }) => [...rows.join('')].filter((code) => (codes as readonly number[]).includes(Number(code))).length); // prettier-ignore

function tracesOf({ rows }: Panel, k: number, cell: number): Trace[] {
  const id = k === 0 ? '' : `${k + 1}`;
  return kinds.flatMap(({ title, codes, colour, symbol }): Trace[] => {
    const places = rows.flatMap((row, y) =>
      [...row].flatMap((code, x) => ((codes as readonly number[]).includes(Number(code)) ? [{ x, y }] : [])),
    );
    if (places.length === 0) return [];
    return [
      {
        type: 'scatter',
        mode: 'markers',
        name: title,
        x: places.map(({ x }) => x),
        y: places.map(({ y }) => y),
        xaxis: `x${id}`,
        yaxis: `y${id}`,
        marker: { color: colour, symbol, size: 0.7 * cell, line: { width: 1.2, color: colour } },
        hoverinfo: 'name',
      },
    ];
  });
}

const signs = ['■', '+', '○', '×'] as const;
const key = ({ title, colour }: (typeof kinds)[number], k: number): JsonObject => ({
  text: `<span style="color:${colour}">${signs[k]}</span> ${title}`,
  xref: 'paper',
  yref: 'paper',
  x: [0, 0.27, 0.46, 0.72][k],
  y: 0,
  xanchor: 'left',
  yanchor: 'top',
  yshift: -8,
  font: { size: size.text, color: grey.ink },
});

const words = (counts: readonly number[]): string =>
  kinds.map(({ title }, k) => `${counts[k]} voxels ${title}`).join(', ');
const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);
