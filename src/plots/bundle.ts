// Figures and tables for a notebook: one bundle of MIME types, of which every front end takes what it can show.
//
// Linked planes come to life by their viewer, whose script is in the HTML. For the others VS Code takes plotly's type; JupyterLab has no renderer for it and takes the HTML: a picture that comes to life where
// scripts may run and the server serves the repository; a page exported from the notebook keeps the picture.
import { canonicalJson, sha256OfValue } from '../base/hash';
import type { LinkedPlanes } from '../results/linked-planes';
import type { Table } from '../results/result';
import type { Figure } from './figure';
import { jsonForScript } from './json-script';
import type { Drawable } from './picture';
import { drawSvg } from './picture';
import { renderPng } from './raster';
import { liveConfig } from './spec';
import { stampParts, stampTexts } from './stamp';
import { tableHtml, tableText } from './tables';
import { viewerScript } from './viewer';
import { escape } from './xml';

/** What a front end is sent: MIME type -> content. */
export type MimeBundle = Record<string, unknown>;

/** Pixels an inch in a notebook: two for each of CSS, sharp on dense screens. */
const screenDpi = 192;
/** Slices are photographs: at twice the size they would be most of a notebook's file. */
const viewerDpi = 144;

/**
 * The script of a figure. plotly is loaded once for all figures of a page, from the notebook server (whose base address
 * stands in the page); until it is there, and where it cannot be loaded, the picture stays.
 */
const script = (key: string, spec: string): string => `
(function () {
  var spec = ${spec};
  function base() {
    var config = document.getElementById('jupyter-config-data');
    if (config) return JSON.parse(config.textContent).baseUrl || '/';
    return (document.body && document.body.dataset.baseUrl) || '/';
  }
  function load() {
    if (window.Plotly) return Promise.resolve(window.Plotly);
    window.cocPlotly = window.cocPlotly || new Promise(function (resolve, reject) {
      var tag = document.createElement('script');
      tag.src = base().replace(/\\/?$/, '/') + 'files/node_modules/plotly.js-dist/plotly.js';
      tag.onload = function () { resolve(window.Plotly); };
      tag.onerror = function () { window.cocPlotly = null; reject(new Error('no plotly at ' + tag.src)); };
      document.head.appendChild(tag);
    });
    return window.cocPlotly;
  }
  load().then(function (Plotly) {
    document.querySelectorAll('[data-coc-figure="${key}"]:not([data-live])').forEach(function (place) {
      place.setAttribute('data-live', '');
      var live = document.createElement('div');
      live.style.cssText = 'position:absolute;visibility:hidden';
      place.appendChild(live);
      Plotly.newPlot(live, spec.data, spec.layout, ${JSON.stringify(liveConfig)}).then(function () {
        place.querySelector('img').style.display = 'none';
        live.style.cssText = '';
      });
    });
  }).catch(function () {});
})();
`;

/**
 * A figure for a notebook.
 * @returns plotly's JSON (not for the viewer), HTML with the still picture and its script, PNG and plain text
 */
export async function figureBundle(figure: Figure): Promise<MimeBundle> {
  const text = `${figure.title}\n${figure.alt}\n${stampParts(figure.stamp).join(' · ')}`;
  if (figure.viewer) return viewerBundle(figure, figure.viewer, text);
  const { bare } = await drawSvg(figure);
  const png = renderPng(bare, screenDpi, stampTexts(figure)).toString('base64');
  const { data, layout } = figure.spec;
  const spec = JSON.parse(canonicalJson({ data, layout })) as unknown;
  const key = `${figure.id}-${sha256OfValue(spec).slice(0, 12)}`;
  return {
    // plotly draws nothing of `meta`: what a program can read of where the numbers come from.
    'application/vnd.plotly.v1+json': {
      data,
      layout: { ...layout, meta: { stamp: figure.stamp } },
      config: liveConfig,
    },
    'text/html':
      `<div data-coc-figure="${key}" style="max-width:100%;overflow-x:auto">` +
      `<img src="data:image/png;base64,${png}" width="${layout.width}" height="${layout.height}" alt="${escape(figure.alt)}">` +
      `</div><script>${script(key, jsonForScript(spec))}</script>`,
    'image/png': png,
    'text/plain': text,
  };
}

/**
 * Linked planes for a notebook: the viewer where scripts may run, in its place the still picture; printed, the picture is
 * back. No plotly type: VS Code would take it, and show less than the viewer does.
 * @param text  for front ends that show nothing else
 */
export async function viewerBundle(
  figure: Drawable,
  viewer: LinkedPlanes,
  text: string,
): Promise<MimeBundle> {
  const { bare, svg } = await drawSvg(figure);
  const { width, height } = figure.spec.layout;
  const key = `${figure.id}-${sha256OfValue(viewer).slice(0, 12)}`;
  const places = `document.querySelectorAll('[data-coc-viewer="${key}"]:not([data-live])')`;
  return {
    'text/html':
      `<div data-coc-viewer="${key}" style="max-width:100%">` +
      `<style>@media screen{[data-coc-viewer][data-live]>img{display:none}}</style>` +
      `<img src="data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}" width="${width}" height="${height}" ` +
      `style="max-width:100%;height:auto" alt="${escape(figure.alt)}">` +
      `</div><script>${viewerScript(viewer, places, '')}</script>`,
    'image/png': renderPng(bare, viewerDpi, stampTexts(figure)).toString('base64'),
    'text/plain': text,
  };
}

/** A table for a notebook: HTML and plain text. */
export function tableBundle({ title, table }: { title: string; table: Table }): MimeBundle {
  return {
    'text/html': tableHtml(table, title),
    'text/plain': `${title}\n${tableText(table)}`,
  };
}
