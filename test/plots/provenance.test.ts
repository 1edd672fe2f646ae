// A stored figure cannot pass for a re-run: each file says alone of which run its numbers are.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { figureBundle } from '../../src/plots/bundle';
import { figure } from '../../src/plots/draw';
import { stampParts } from '../../src/plots/stamp';
import type { Format } from '../../src/plots/write-figure';
import { formats, writeFigure } from '../../src/plots/write-figure';
import { descendants, parseXml } from '../../src/plots/xml';
import { paperResults, writeFigureOne } from '../../src/publish/recorded';
import { besideRecord } from '../../src/reproduce/figures';
import type { Result } from '../../src/results/result';
import { chromium as chromiumPath, describeWith } from '../setup/peers';
import { madeUpPlaneReads } from './made-up';

const id = 'plane-reads.figure';
const dirs: string[] = [];
const folder = (): string => dirs[dirs.push(mkdtempSync(path.join(os.tmpdir(), 'coc-origin-'))) - 1];
afterAll(() => dirs.forEach((dir) => rmSync(dir, { recursive: true })));

const stored = madeUpPlaneReads(60);
const rerun = {
  origin: 'fresh',
  mode: 'full',
  date: '2026-03-04T05:06:07.000Z',
  commit: 'feed'.repeat(10),
  dirty: true,
  device: { ...[...stored.values()][0].device, gpu: 'Made-up GPU' },
} as const;
const fresh = new Map<string, Result>([...stored].map(([key, result]) => [key, { ...result, ...rerun }]));
/** One number of an old run among new ones. */
const mixed = new Map(fresh);
const oldOne = [...stored.values()].find((result) => result.value !== undefined)!;
mixed.set(oldOne.id, oldOne);

/** What a file says of its runs, read without our code where a format has readers. */
const says: Record<Format, (data: Buffer) => string> = {
  svg: (data) =>
    [...descendants(parseXml(data.toString()))]
      .filter((e) => e.name === 'metadata')
      .flatMap((e) => e.children as string[])
      .join(''),
  png: (data) => pngTexts(data).get('Source') ?? '',
  pdf: (data) => keywords(data),
  html: (data) => /<script type="application\/json" id="stamp">([^<]*)</.exec(data.toString())?.[1] ?? '',
  json: (data) => JSON.stringify((JSON.parse(data.toString()) as { stamp: unknown }).stamp),
  csv: (data) => data.toString(),
};

function pngTexts(png: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    const end = body.indexOf(0);
    if (type === 'tEXt') found.set(body.toString('latin1', 0, end), body.toString('latin1', end + 1));
    if (type === 'iTXt') found.set(body.toString('latin1', 0, end), body.toString('utf8', end + 5));
  }
  return found;
}

/** The keywords in the XMP of a PDF, which stands uncompressed or in a plain stream. */
function keywords(pdf: Buffer): string {
  const text = [pdf.toString('utf8')];
  for (const { index = 0 } of pdf.toString('latin1').matchAll(/stream\r?\n/g)) {
    try {
      text.push(inflateSync(pdf.subarray(index + 7), { finishFlush: 2 }).toString('utf8'));
    } catch {
      // not a compressed stream
    }
  }
  return text.flatMap((part) => [...part.matchAll(/<pdf:Keywords>([^<]*)</g)].map((m) => m[1])).join('');
}

describe('from each file alone', () => {
  const written = new Map<string, Partial<Record<Format, string>>>();
  beforeAll(async () => {
    for (const [name, results] of Object.entries({ stored, fresh, mixed })) {
      written.set(name, (await writeFigure(figure(id, results), folder())).files);
    }
  });
  const read = (name: string, format: Format): string =>
    says[format](readFileSync(written.get(name)![format]!));

  it.each(formats)('%s tells a stored figure, a re-run and a mixture apart', (format) => {
    const [old, now, both] = ['stored', 'fresh', 'mixed'].map((name) => read(name, format));
    expect(old).toMatch(/\bstored\b/);
    expect(old).not.toMatch(/\bfresh\b/);
    expect(now).toMatch(/\bfresh\b/);
    expect(now).not.toMatch(/\bstored\b/);
    expect(both).toMatch(/\bstored\b/);
    expect(both).toMatch(/\bfresh\b/);
    // Mode, device, commit: whole.
    for (const [text, mode, device, commit] of [
      [old, 'quick', 'Made-up(R) CPU @ 2.00GHz', oldOne.commit],
      [now, 'full', 'Made-up GPU', rerun.commit],
    ]) {
      expect(text).toContain(mode);
      expect(text.replaceAll('\\u003c', '<')).toContain(device);
      expect(text).toContain(commit);
    }
    expect(now).toMatch(/changes|"dirty": ?true/);
  });

  it('the picture says it too, in words below the axes', () => {
    const text = (name: string): string =>
      readFileSync(written.get(name)!.svg!, 'utf8').replace(/<metadata>[^]*<\/metadata>/, '');
    expect(text('stored')).toContain('stored results, quick run');
    expect(text('fresh')).toContain('fresh results, full run');
    expect(text('fresh')).toContain('commit feedfee with changes');
    expect(text('mixed')).toContain('stored and fresh results');
  });

  it('in a CSV each number has its own run', () => {
    const lines = read('mixed', 'csv').trim().split('\r\n');
    const ofOld = lines.filter((line) => line.startsWith(`${oldOne.id},`));
    expect(ofOld.length).toBeGreaterThan(0);
    for (const line of ofOld) expect(line).toContain(',stored,quick,');
    for (const line of lines.slice(1).filter((one) => !ofOld.includes(one)))
      expect(line).toContain(',fresh,full,Made-up GPU,');
  });

  it('in a notebook: the PNG and plotly’s JSON', async () => {
    const bundle = await figureBundle(figure(id, mixed));
    const png = pngTexts(Buffer.from(bundle['image/png'] as string, 'base64'));
    expect(png.get('Source')).toContain('"fresh"');
    const live = bundle['application/vnd.plotly.v1+json'] as {
      layout: { meta: { stamp: { origins: string[] } } };
    };
    expect(live.layout.meta.stamp.origins.sort()).toEqual(['fresh', 'stored']);
  });
});

describe('a stored result', () => {
  it('that was put into the folder of the last run stays stored', () => {
    const planted = new Map<string, Result>(
      [...stored].map(([key, result]) => [key, { ...result, origin: 'fresh' }]),
    );
    const shown = figure(id, besideRecord(stored, planted));
    expect(stampParts(shown.stamp)).toContain('stored results, quick run');
    expect(shown.stamp.origins).toEqual(['stored']);
  });

  it('gives way to a run of its own', () => {
    const again = new Map<string, Result>(
      [...stored].map(([key, result]) => [key, { ...result, origin: 'fresh', date: rerun.date }]),
    );
    expect(figure(id, besideRecord(stored, again)).stamp.origins).toEqual(['fresh']);
  });
});

describe('Figure 1', () => {
  it('is written in every format, and each says of which run its slices are', async () => {
    const results = paperResults();
    const run = results.get('three-planes.slices')!;
    const files = await writeFigureOne(results, folder());
    expect(files.map((file) => path.extname(file).slice(1))).toEqual([...formats]);
    for (const file of files) {
      const text = says[path.extname(file).slice(1) as Format](readFileSync(file));
      for (const part of ['stored', run.mode, run.device.gpu ?? run.device.cpu, run.commit])
        expect(text, file).toContain(part);
    }
  });

  it('has its parts and the source of its slices in JSON and CSV', async () => {
    const files = await writeFigureOne(paperResults(), folder());
    const read = (format: Format): string =>
      readFileSync(
        files.find((file) => file.endsWith(`.${format}`))!,
        'utf8',
      );
    const { drawing, slices } = JSON.parse(read('json')) as {
      drawing: { parts: { id: string; to: string[] }[] };
      slices: { source: { title: string }; planes: unknown[] };
    };
    const ids = drawing.parts.map((part) => part.id);
    expect(ids).toEqual(
      expect.arrayContaining(['volume', 'encoder', 'decoder', 'consistency', 'segmentation']),
    );
    // What a part feeds is a part.
    for (const part of drawing.parts) for (const to of part.to) expect(ids).toContain(to);
    expect(slices.planes).toHaveLength(3);
    const csv = read('csv');
    expect(csv.split('\r\n')).toHaveLength(ids.length + 2);
    expect(csv).toContain(`"${slices.source.title}"`);
  });
});

describeWith('chromium', 'the page of Figure 1', () => {
  it('says what a part is without a script and without the network', async () => {
    const [, , , html] = await writeFigureOne(paperResults(), folder());
    const browser = await chromium.launch({
      executablePath: chromiumPath(),
      args: ['--headless', '--no-sandbox', '--disable-gpu'],
    });
    try {
      const context = await browser.newContext({
        viewport: { width: 1100, height: 900 },
        javaScriptEnabled: false,
      });
      const page = await context.newPage();
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      await page.goto(`file://${html}`);
      const spot = page.locator('.map a[href="#consistency"]');
      expect(await spot.locator('span').isVisible()).toBe(false);
      await spot.hover();
      expect(await spot.locator('span').innerText()).toContain('along the lines where their planes meet');
      await spot.click();
      expect(page.url()).toMatch(/#consistency$/);
      expect(asked.filter((url) => !url.startsWith('data:'))).toHaveLength(1);
      // No wider than its window, also on a telephone.
      await page.setViewportSize({ width: 390, height: 800 });
      expect(
        await page
          .locator('main')
          .evaluate((main) => (main as unknown as { scrollWidth: number }).scrollWidth),
      ).toBeLessThanOrEqual(390);
    } finally {
      await browser.close();
    }
  });
});

describeWith('pdftotext', 'a PDF', () => {
  it('says to other readers of which run it is', async () => {
    const { files } = await writeFigure(figure(id, fresh), folder(), ['pdf']);
    const info = execFileSync('pdfinfo', [files.pdf!], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(info).toMatch(
      /Keywords: .*origin: fresh, mode: full, device: Made-up GPU, commit: (?:feed){10} with changes/,
    );
  });
});
