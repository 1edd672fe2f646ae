// A figure as a page of its own: the still picture first, and in print and without scripts; live where plotly loads, or
// by the viewer of linked planes, which is in the page.
//
// Nothing is fetched from anywhere: the picture and its type are in the page, plotly.js lies beside it.
import { canonicalJson } from '../base/hash';
import { dataTable } from './data-rows';
import { commonFontCss } from './embed-fonts';
import type { Figure } from './figure';
import { fontFamily } from './fonts';
import { jsonForScript } from './json-script';
import type { Picture } from './picture';
import { liveConfig } from './spec';
import type { Stamp } from './stamp';
import { stampParts } from './stamp';
import { tableHtml } from './tables';
import { viewerScript } from './viewer';
import { escape } from './xml';

/** The name under which pages expect plotly beside them. */
export const plotlyFile = 'plotly.js';

/** The style of all pages of figures. */
export const css = `
body{font:16px/1.5 system-ui,sans-serif;color:#222;margin:2rem auto;max-width:46rem;padding:0 1rem}
body.wide{max-width:70rem}
body.wide :is(figcaption,.stamp){max-width:46rem}
h1{font-size:1.35rem;line-height:1.25;margin:0 0 1rem}
figure{margin:0}
.picture{overflow-x:auto}
.picture img{display:block;max-width:100%;height:auto}
.live{display:none}
figcaption{margin:.75rem 0}
.stamp,caption{color:#5f5f5f;font-size:.85rem;text-align:left}
.table{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .6rem;border-bottom:1px solid #d9d9d9;white-space:nowrap}
summary{cursor:pointer}
a{color:#0072B2}
@media (prefers-color-scheme:dark){
body.wide{background:#111;color:#e8e8e8}
body.wide :is(.stamp,caption){color:#b0b0b0}
body.wide :is(th,td){border-color:#4a4a4a}
body.wide a{color:#6cc0f5}
}
@media print{body.wide{background:#fff;color:#222}.live{display:none!important}.still{display:block!important}details{display:none}}
`;

/** Draws the live figure over the still one once plotly is there; a page without plotly keeps the picture. */
const script = `
(function () {
  var still = document.querySelector('.still');
  var live = document.querySelector('.live');
  var spec = JSON.parse(document.getElementById('spec').textContent);
  if (!window.Plotly || window.innerWidth < spec.layout.width + 32) return;
  var faces = ['400 10px "${fontFamily}"', '700 10px "${fontFamily}"'];
  Promise.all(faces.map(function (face) { return document.fonts.load(face); })).then(function () {
    live.style.display = 'block';
    return Plotly.newPlot(live, spec.data, spec.layout, ${JSON.stringify(liveConfig)});
  }).then(function () { still.style.display = 'none'; });
})();
`;

/** What a page shows. */
export type PageFigure = Omit<Figure, 'stamp'>;

/** The lines at the foot of a figure's page: where its numbers come from. */
function footOf(stamp: Stamp): string[] {
  return [stampParts(stamp).join(' · '), ...stamp.notes];
}

/**
 * The page of a figure.
 * @param others  names of files with the same figure, to link to
 */
export function figurePage(figure: Figure, picture: Picture, others: readonly string[]): Promise<string> {
  return pageOf(figure, picture, footOf(figure.stamp), others, figure.stamp);
}

/**
 * A page.
 * @param foot    lines that say where the numbers come from
 * @param others  names of files with the same figure, to link to
 * @param stamp   where its numbers come from, for programs (`<script id="stamp">`)
 */
export async function pageOf(
  figure: PageFigure,
  picture: Picture,
  foot: readonly string[],
  others: readonly string[] = [],
  stamp: Stamp | null = null,
): Promise<string> {
  const fonts = await commonFontCss();
  const { width, height } = figure.spec.layout;
  const { table, singles } = dataTable(figure);
  const also = others.map(
    (name) => `<a href="${escape(name)}">${escape(name.split('.').pop()!.toUpperCase())}</a>`,
  );
  const address = `data:image/svg+xml;base64,${Buffer.from(picture.svg).toString('base64')}`;
  const live = figure.viewer
    ? `<script>${viewerScript(figure.viewer, 'document.querySelectorAll(".live")', 'document.querySelector(".still").style.display="none";place.style.display="block";')}</script>`
    : `<script type="application/json" id="spec">${jsonForScript(JSON.parse(canonicalJson(figure.spec)))}</script>
<script src="${plotlyFile}"></script>
<script>${script}</script>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(figure.title)}</title>
<style>
${fonts}${css}</style>
</head>
<body${figure.viewer ? ' class="wide"' : ''}>
<main>
<h1>${escape(figure.title)}</h1>
<figure>
<div class="picture">
<img class="still" src="${address}" width="${width}" height="${height}" alt="${escape(figure.alt)}">
<div class="live" role="${figure.viewer ? 'group' : 'img'}" aria-label="${escape(figure.alt)}"></div>
</div>
<figcaption>${escape(figure.caption)}</figcaption>
</figure>
${foot.map((line) => `<p class="stamp">${escape(line)}</p>\n`).join('')}<details>
<summary>The numbers</summary>
<div class="table" role="region" aria-label="The numbers" tabindex="0">
${tableHtml(table, singles > 0 ? `${singles} single observations are in the CSV.` : undefined)}
</div>
</details>
${also.length > 0 ? `<p class="stamp">Also as ${also.join(', ')}.</p>\n` : ''}</main>
${stamp ? `<script type="application/json" id="stamp">${jsonForScript(stamp)}</script>\n` : ''}${live}
</body>
</html>
`;
}
