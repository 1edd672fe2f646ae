// Tables and notebook bundles: their form, checked by structure.
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { figureBundle, tableBundle } from '../../src/plots/bundle';
import { figure } from '../../src/plots/draw';
import { tableHtml, tableText } from '../../src/plots/tables';
import type { Result, Table } from '../../src/results/result';
import { runCost, showClaims, showPublished, view } from '../../src/kernel/show';
import { madeUpLinkedFigure, madeUpLinkedPlanes, madeUpPlaneReads, provenance } from './made-up';

const table: Table = {
  columns: [
    { key: 'plane', title: 'Plane' },
    { key: 'pixels', title: 'Pixels', digits: 0 },
    { key: 'time', title: 'Time', unit: 'us', digits: 1 },
  ],
  rows: [
    { plane: 'axial', pixels: 57600, time: 12.34 },
    { plane: 'a < b', pixels: 9, time: null },
  ],
};

describe('tables', () => {
  it('line up in a terminal', () => {
    expect(tableText(table)).toBe(
      [
        'Plane  Pixels  Time (µs)',
        '-----  ------  ---------',
        'axial  57\u202f600       12.3',
        'a < b       9          –',
      ].join('\n'),
    );
  });

  it('are HTML with heads, alignment and escaped text', () => {
    const html = tableHtml(table, 'Times & pixels');
    expect(html).toContain('<caption>Times &amp; pixels</caption>');
    expect(html).toContain('<th scope="col" style="text-align:right">Time (µs)</th>');
    expect(html).toContain('<td style="text-align:left">a &lt; b</td>');
    expect(html.match(/<tr>/g)).toHaveLength(3);
  });

  it('make a bundle of HTML and text', () => {
    const result = {
      ...provenance,
      id: 't',
      title: 'T',
      kind: 'measured',
      unit: '',
      uncertainty: null,
      study: 's',
      origin: 'fresh',
      table,
    } satisfies Result;
    expect(Object.keys(tableBundle(result))).toEqual(['text/html', 'text/plain']);
  });
});

describe('a figure in a notebook', () => {
  it('is a bundle of four types, small, with the same picture for all', async () => {
    const f = figure('plane-reads.figure', madeUpPlaneReads());
    const bundle = await figureBundle(f);
    expect(Object.keys(bundle)).toEqual([
      'application/vnd.plotly.v1+json',
      'text/html',
      'image/png',
      'text/plain',
    ]);
    // What VS Code's renderer reads.
    expect(bundle['application/vnd.plotly.v1+json']).toMatchObject({
      data: f.spec.data,
      layout: { width: f.spec.layout.width },
      config: { showSendToCloud: false },
    });
    const base64 = bundle['image/png'] as string;
    const png = Buffer.from(base64, 'base64');
    expect(png.length).toBeLessThan(150_000);
    expect(Math.abs(PNG.sync.read(png).width - 2 * f.spec.layout.width)).toBeLessThanOrEqual(1);
    const html = bundle['text/html'] as string;
    expect(html).toContain(`src="data:image/png;base64,${base64}"`);
    expect(html).toContain('data-coc-figure="plane-reads.figure-');
    expect(bundle['text/plain']).toContain('synthetic head · measured');
    // nbformat: every value is text, or JSON for a type that ends in +json.
    for (const [type, value] of Object.entries(bundle))
      expect(typeof value).toBe(type.endsWith('+json') ? 'object' : 'string');
  });

  it('cannot end its own script', async () => {
    const f = figure('plane-reads.figure', madeUpPlaneReads(3));
    f.spec.layout.meta = '</script><b>';
    const html = (await figureBundle(f))['text/html'] as string;
    expect(html.match(/<\/script>/g)).toHaveLength(1);
  });
});

describe('linked planes in a notebook', () => {
  it('are a bundle of three types, with no plotly in it', async () => {
    const f = figure('linked-planes.figure', madeUpLinkedFigure());
    const bundle = await figureBundle(f);
    // plotly's type would be taken by VS Code before the HTML in which the viewer is.
    expect(Object.keys(bundle)).toEqual(['text/html', 'image/png', 'text/plain']);
    const html = bundle['text/html'] as string;
    expect(html).toMatch(/<img src="data:image\/svg\+xml;base64,/);
    expect(html).not.toMatch(/plotly/i);
    expect(html).not.toMatch(/(?:src|href)=["']?(?:https?:|\/)/);
    expect(PNG.sync.read(Buffer.from(bundle['image/png'] as string, 'base64')).width).toBeGreaterThan(1000);
    expect(bundle['text/plain']).toContain('synthetic head · measured');
  });

  it('cannot end their own script', async () => {
    const data = madeUpLinkedPlanes();
    data.source.title = '</script><b>';
    const html = (await figureBundle(figure('linked-planes.figure', madeUpLinkedFigure(data))))['text/html'];
    expect((html as string).match(/<\/script>/g)).toHaveLength(1);
    expect(html).not.toContain('<b>');
  });

  it('are checked before they are shown, and need a notebook', async () => {
    const torn = { ...madeUpLinkedPlanes(), lines: [] };
    await expect(view(torn as never)).rejects.toThrow(
      'cannot use the linked planes of this cell: given lines: ',
    );
    await expect(view(madeUpLinkedPlanes())).rejects.toThrow(
      'given a plain Node process, expected a notebook cell',
    );
  });
});

describe('claims in a notebook', () => {
  it('need a notebook and claims that the register knows', () => {
    expect(() => showClaims('99-none')).toThrow('given 99-none, by which the register tests nothing');
    expect(() => showPublished(['none'], 'T')).toThrow('given the claim none');
    expect(() => showClaims('06-strides')).toThrow('cannot show text/html, text/plain');
    expect(() => showPublished(['epoch-4.5x'], 'T')).toThrow('cannot show text/html, text/plain');
  });
});

describe('what a notebook took', () => {
  it('is said in seconds or minutes, and megabytes', () => {
    expect(runCost().replaceAll('\u202f', '')).toMatch(
      /^(?:\d+ s|\d+\.\d min) since the kernel started, at most \d+ MB of memory$/,
    );
  });
});
