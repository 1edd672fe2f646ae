// A browser as the judge: plotly in Chromium draws the same specs, and pages and notebook outputs come to life there.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { chromium as playwright } from 'playwright-core';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { figureBundle } from '../../src/plots/bundle';
import { plotlyBundle } from '../../src/plots/dom';
import { figure } from '../../src/plots/draw';
import type { Figure } from '../../src/plots/figure';
import { fontFile } from '../../src/plots/fonts';
import { figurePage } from '../../src/plots/pages';
import { drawSvg } from '../../src/plots/picture';
import { renderPng } from '../../src/plots/raster';
import type { JsonObject, PlotSpec, Trace } from '../../src/plots/spec';
import { traceTypes } from '../../src/plots/spec';
import { kindBar, template } from '../../src/plots/theme';
import { chromium, describeWith } from '../setup/peers';
import { madeUpCost, madeUpPlaneReads } from './made-up';

const wave = (n: number, k: number): number[] => Array.from({ length: n }, (_, i) => Math.sin(i * k) + i / n);
const grid = Array.from({ length: 16 }, (_, j) =>
  Array.from({ length: 16 }, (_, i) => Math.hypot(i - 6, j - 9)),
);

/** Every trace type that the pipeline accepts, with the text and axes that usually go with it. */
const gallery: Record<(typeof traceTypes)[number], { data: Trace[]; layout?: JsonObject }> = {
  scatter: {
    data: [
      {
        type: 'scatter',
        mode: 'lines',
        x: wave(40, 0).map((_, i) => 10 ** (i / 10)),
        y: wave(40, 0.3),
        name: 'λ = 0.1',
        line: { dash: 'dash' },
      },
      {
        type: 'scatter',
        mode: 'lines+markers',
        x: [1, 10, 100, 1000],
        y: [0, 1, 0.5, 1.5],
        name: 'x<sub>2</sub><sup>3</sup>',
        error_y: { type: 'data', array: [0.1, 0.2, 0.1, 0.3] },
        marker: { symbol: 'square-open', size: 8 },
      },
    ],
    layout: {
      xaxis: { type: 'log', title: { text: 'Steps' } },
      yaxis: { title: { text: 'Loss (×10<sup>−3</sup>)' } },
    },
  },
  bar: {
    data: (['paper', 'derived', 'dry-run', 'assumed'] as const).map((kind, i) => ({
      type: 'bar',
      x: ['one', 'two'],
      y: [1 + i, 3 - i / 2],
      name: kind,
      marker: kindBar(kind, '#0072B2'),
    })),
  },
  box: {
    data: [
      { type: 'box', y: wave(60, 0.7), name: 'A' },
      { type: 'box', y: wave(50, 1.1), name: 'B' },
    ],
  },
  violin: { data: [{ type: 'violin', y: wave(60, 0.7), name: 'A', box: { visible: true } }] },
  histogram: { data: [{ type: 'histogram', x: wave(200, 0.9), nbinsx: 20 }] },
  heatmap: {
    data: [{ type: 'heatmap', z: grid, colorbar: { title: { text: 'mm', side: 'right' }, thickness: 10 } }],
  },
  contour: {
    data: [{ type: 'contour', z: grid, ncontours: 6, showscale: false, contours: { coloring: 'lines' } }],
  },
};

const base = figure('cost-of-consistency', madeUpCost());
const specOf = (name: (typeof traceTypes)[number]): PlotSpec => ({
  data: gallery[name].data,
  layout: { template, width: 336, height: 240, ...gallery[name].layout },
});
const cases: [string, Figure][] = [
  ...traceTypes.map((name): [string, Figure] => [name, { ...base, id: name, spec: specOf(name) }]),
  ['plane-read-times', figure('plane-reads.figure', madeUpPlaneReads())],
  ['cost-of-consistency', base],
  ['cost-of-consistency with all kinds', figure('cost-of-consistency', madeUpCost(true))],
];

/** The part of the pixels that differ, from 0 to 1; where one picture ends, the other is compared with nothing. */
async function difference(a: Buffer, b: Buffer): Promise<number> {
  const { default: pixelmatch } = await import('pixelmatch');
  const [p, q] = [PNG.sync.read(a), PNG.sync.read(b)];
  expect(Math.abs(p.width - q.width) + Math.abs(p.height - q.height)).toBeLessThanOrEqual(2);
  const [width, height] = [Math.min(p.width, q.width), Math.min(p.height, q.height)];
  const crop = (png: PNG): Buffer => {
    const out = new PNG({ width, height });
    PNG.bitblt(png, out, 0, 0, width, height, 0, 0);
    return out.data;
  };
  return pixelmatch(crop(p), crop(q), undefined, width, height, { threshold: 0.2 }) / (width * height);
}

/** Keep a picture to be looked at, in the folder COC_KEEP. */
function keep(name: string, png: Buffer): void {
  if (process.env.COC_KEEP) writeFileSync(path.join(process.env.COC_KEEP, name), png);
}

describeWith('chromium', 'in Chromium', () => {
  let browser: Browser;
  let page: Page;
  let origin: string;
  const served = new Map<string, string | Buffer>();
  const server = createServer((request, response) => {
    const body = served.get(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200, {
      'content-type': request.url?.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8',
    });
    response.end(body);
  });

  beforeAll(async () => {
    browser = await playwright.launch({
      executablePath: chromium(),
      args: ['--no-sandbox', '--font-render-hinting=none'],
    });
    page = await browser.newPage({ viewport: { width: 800, height: 700 } });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    served.set('/plotly.js', readFileSync(plotlyBundle()));
    served.set('/base/files/node_modules/plotly.js-dist/plotly.js', readFileSync(plotlyBundle()));
    const face = (weight: number, file: string) =>
      `@font-face{font-family:'Source Sans 3';font-weight:${weight};src:url(data:font/ttf;base64,${readFileSync(file).toString('base64')})}`;
    served.set(
      '/blank',
      `<!doctype html><style>${face(400, fontFile('regular'))}${face(700, fontFile('bold'))}body{margin:0}</style><div id="at"></div><script src="plotly.js"></script>`,
    );
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  it.each(cases)('plotly draws %s as the static pipeline does', async (_, f) => {
    const ours = renderPng((await drawSvg(f)).bare, 96);
    await page.goto(`${origin}/blank`);
    // As text: what runs in the page knows the page's names, not ours.
    await page.evaluate(`(async () => {
      await Promise.all(['400', '700'].map((w) => document.fonts.load(w + ' 10px "Source Sans 3"')));
      const spec = ${JSON.stringify(f.spec)};
      await Plotly.newPlot('at', spec.data, spec.layout, { staticPlot: true });
    })()`);
    const { width, height } = f.spec.layout;
    const theirs = await page.screenshot({ clip: { x: 0, y: 0, width, height } });
    keep(`${f.id}-ours.png`, ours);
    keep(`${f.id}-theirs.png`, theirs);
    const share = await difference(ours, theirs);
    expect(share).toBeLessThan(0.015);
  });

  /** What a page shows and asks for. */
  const state = `({
    live: document.querySelectorAll('.js-plotly-plot').length,
    pictures: [...document.querySelectorAll('img')].filter((i) => i.offsetParent !== null && i.naturalWidth > 0).length,
    buttons: [...document.querySelectorAll('.modebar-btn')].map((b) => b.getAttribute('data-title')),
  })`;

  it('a page draws its figure live, with its own type, and asks for plotly only', async () => {
    const f = figure('plane-reads.figure', madeUpPlaneReads());
    served.set('/page', await figurePage(f, await drawSvg(f), []));
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(`${origin}/page`);
    await page.waitForSelector('.js-plotly-plot text');
    await page.waitForFunction(`getComputedStyle(document.querySelector('.still')).display === 'none'`);
    expect(await page.evaluate(state)).toMatchObject({ live: 1, pictures: 0 });
    const { buttons } = await page.evaluate<{ buttons: string[] }>(state);
    expect(buttons.join()).not.toMatch(/share|cloud/i);
    expect(await page.evaluate(`document.fonts.check('10px "Source Sans 3"')`)).toBe(true);
    expect(asked.filter((a) => !a.startsWith('data:') && a !== `${origin}/page`)).toEqual([
      `${origin}/plotly.js`,
    ]);
    keep('page.png', await page.screenshot({ fullPage: true }));
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate(state)).toMatchObject({ pictures: 1 });
    await page.emulateMedia({ media: null });
  });

  it('a page stays a picture where plotly is not there, on a small screen, and without scripts', async () => {
    served.set('/alone/page', served.get('/page')!);
    await page.goto(`${origin}/alone/page`);
    expect(await page.evaluate(state)).toMatchObject({ live: 0, pictures: 1 });
    const small = await browser.newPage({ viewport: { width: 390, height: 700 } });
    await small.goto(`${origin}/page`);
    expect(await small.evaluate(state)).toMatchObject({ live: 0, pictures: 1 });
    expect(await small.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await small.close();
    const still = await browser.newPage({ javaScriptEnabled: false });
    await still.goto(`${origin}/page`);
    expect(await still.locator('img.still').isVisible()).toBe(true);
    await still.close();
  });

  it('notebook outputs come to life under a base address, all figures with one plotly', async () => {
    const bundles = await Promise.all([cases[7][1], base, base].map(figureBundle));
    const html = bundles.map((b) => b['text/html'] as string).join('\n');
    const config = (baseUrl: string) =>
      `<script id="jupyter-config-data" type="application/json">${JSON.stringify({ baseUrl })}</script>`;
    served.set('/lab', `<!doctype html>${config('/base/')}<body>${html}</body>`);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(`${origin}/lab`);
    await page.waitForFunction(`document.querySelectorAll('[data-coc-figure] .js-plotly-plot').length === 3`);
    await page.waitForFunction(
      `[...document.querySelectorAll('img')].every((i) => i.style.display === 'none')`,
    );
    expect(await page.evaluate(state)).toMatchObject({ live: 3, pictures: 0 });
    expect(asked.filter((a) => a.endsWith('.js'))).toEqual([
      `${origin}/base/files/node_modules/plotly.js-dist/plotly.js`,
    ]);
    keep('notebook.png', await page.screenshot({ fullPage: true }));
    served.set('/elsewhere', `<!doctype html><body>${html}</body>`);
    await page.goto(`${origin}/elsewhere`);
    expect(await page.evaluate(state)).toMatchObject({ live: 0, pictures: 3 });
  });
});
