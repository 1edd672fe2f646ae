// Figure 1 beyond its pictures: its parts as JSON and CSV, and a page on which each part says what it is.
//
// JSON and CSV hold what the drawing is made of: every part with its place and what it feeds, and the slices with the
// volume they were taken from. The page needs no script: parts are links to their rows, with a hint on hover and focus.
import { z } from 'zod';
import { canonicalJson } from '../base/hash';
import type { DataRow } from '../plots/figure';
import { csvOf, runCells, runColumns } from '../plots/data-rows';
import { jsonForScript } from '../plots/json-script';
import { css } from '../plots/pages';
import type { Slices } from '../plots/slices';
import type { Stamp } from '../plots/stamp';
import { escape } from '../plots/xml';

/** What paper/architecture.json holds; lengths in points from the top left corner. */
export const architectureSchema = z.strictObject({
  about: z.string(),
  width: z.number(),
  height: z.number(),
  parts: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      detail: z.string(),
      x: z.number(),
      y: z.number(),
      w: z.number(),
      h: z.number(),
      /** The parts that it feeds. */
      to: z.array(z.string()),
    }),
  ),
});

export type Architecture = z.infer<typeof architectureSchema>;

/** Figure 1 in words and parts: what its forms are made from. */
export interface Described {
  title: string;
  caption: string;
  alt: string;
  stamp: Stamp;
  slices: Slices;
  drawing: Architecture;
}

/** Parts, slices and their source, without the pixels. */
export function architectureJson({ title, caption, alt, stamp, slices, drawing }: Described): string {
  const planes = slices.planes.map(({ name, width, height, spacing, crosshair, letters }) => {
    return { name, width, height, spacing, crosshair, letters };
  });
  const shown = { source: slices.source, planes };
  return `${canonicalJson({ title, caption, alt, stamp, drawing, slices: shown })}\n`;
}

/** One line a part. */
export function architectureCsv({ slices, drawing }: Described, run: NonNullable<DataRow['run']>): string {
  const records = drawing.parts.map(({ id, title, detail, x, y, w, h, to }) => {
    const shows = /-(?:slice|mask)$/.test(id) ? slices.source.title : '';
    return {
      part: id,
      title,
      detail,
      x,
      y,
      width: w,
      height: h,
      unit: 'pt',
      feeds: to.join(' '),
      shows,
      ...runCells(run, 'measured'),
    };
  });
  return csvOf(records, [
    'part',
    'title',
    'detail',
    'x',
    'y',
    'width',
    'height',
    'unit',
    'feeds',
    'shows',
    ...runColumns,
  ]);
}

const ownCss = `
.map{position:relative}
.map a{position:absolute;border-radius:4px;color:transparent}
.map a:is(:hover,:focus-visible){outline:3px solid #d55e00;background:#d55e0022}
.map a span{display:none}
.map a:is(:hover,:focus-visible) span{display:block;position:absolute;left:0;top:100%;z-index:1;width:16rem;padding:.4rem .6rem;background:#222;color:#fff;font-size:.8rem;line-height:1.35;border-radius:4px}
.map a.right span{left:auto;right:0}
.map a.up span{top:auto;bottom:100%}
body.wide{background:#fff;color:#222}
tr:target{background:#fbeee6}
th,td{text-align:left;white-space:normal;vertical-align:top}
@media print{.map a{display:none}}
`;

/**
 * The page of Figure 1. Nothing is fetched from anywhere, nothing needs a script.
 * @param height  of the picture in points, with the line at its foot
 * @param foot    that line
 * @param others  names of files with the same figure, to link to
 */
export function architecturePage(
  figure: Described & { svg: string },
  height: number,
  foot: string,
  others: readonly string[],
): string {
  const { title, caption, alt, stamp, drawing, svg } = figure;
  const percent = (part: number, whole: number): string => `${Number(((100 * part) / whole).toFixed(3))}%`;
  const spots = drawing.parts.map(({ id, title: name, detail, x, y, w, h }) => {
    const place = `left:${percent(x, drawing.width)};top:${percent(y, height)};width:${percent(w, drawing.width)};height:${percent(h, height)}`;
    const side = [...(x > drawing.width / 2 ? ['right'] : []), ...(y + h > 0.8 * height ? ['up'] : [])].join(
      ' ',
    );
    return `<a href="#${id}" style="${place}"${side && ` class="${side}"`}><span><b>${escape(name)}.</b> ${escape(detail)}</span></a>`;
  });
  const names = new Map(drawing.parts.map((part) => [part.id, part.title]));
  const rows = drawing.parts.map(
    ({ id, title: name, detail, to }) =>
      `<tr id="${id}"><th scope="row">${escape(name)}</th><td>${escape(detail)}</td><td>${to.map((t) => escape(names.get(t) ?? t)).join(', ')}</td></tr>`,
  );
  const address = `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
  const also = others.map(
    (name) => `<a href="${escape(name)}">${escape(name.split('.').pop()!.toUpperCase())}</a>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<style>
${css}${ownCss}</style>
</head>
<body class="wide">
<main>
<h1>${escape(title)}</h1>
<figure>
<div class="map">
<img class="still" style="display:block;width:100%;height:auto" src="${address}" alt="${escape(alt)}">
${spots.join('\n')}
</div>
<figcaption>${escape(caption)}</figcaption>
</figure>
<p class="stamp">${escape(foot)}</p>
${stamp.notes.map((note) => `<p class="stamp">${escape(note)}</p>\n`).join('')}<div class="table" role="region" aria-label="The parts" tabindex="0">
<table>
<thead><tr><th scope="col">Part</th><th scope="col">What it is</th><th scope="col">Feeds</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</div>
<p class="stamp">Also as ${also.join(', ')}.</p>
</main>
<script type="application/json" id="stamp">${jsonForScript(stamp)}</script>
</body>
</html>
`;
}
