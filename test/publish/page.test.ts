// The web page in a real browser: no request to any server, no serious accessibility fault, live figures, no overflow.
import { mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { chromium as launcher } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { buildPaper } from '../../src/publish/paper';
import { chromium, describeWith } from '../setup/peers';
import { drawn, madeUpClaims, madeUpResults } from './made-up';

describeWith('chromium', 'the web page of the paper in a browser', () => {
  let browser: Browser;
  let address: string;
  const asked: string[] = [];
  const faults: string[] = [];

  const open = async (width: number, options: { javaScriptEnabled?: boolean } = {}): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width, height: 900 }, ...options });
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(address);
    return page;
  };
  /** Scroll through, so that every figure comes near. */
  const scroll = async (page: Page): Promise<void> => {
    await page.locator('[data-fig]').last().scrollIntoViewIfNeeded();
    await page.locator('[data-live]').last().waitFor({ timeout: 20_000 });
  };

  beforeAll(async () => {
    const out = mkdtempSync(path.join(os.tmpdir(), 'page-'));
    const draw = (): Promise<typeof drawn> => Promise.resolve(drawn);
    const { html } = await buildPaper({ results: madeUpResults(), judged: madeUpClaims(), draw, out });
    address = pathToFileURL(html).href;
    browser = await launcher.launch({ executablePath: chromium(), args: ['--no-sandbox'] });
  });
  afterAll(async () => browser?.close());

  it.each([1100, 390])('fits %i pixels and asks no server', async (width) => {
    const page = await open(width);
    await scroll(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(asked.filter((url) => !/^(?:file|data|blob):/.test(url))).toEqual([]);
    expect(asked.some((url) => url.endsWith('/plotly.js'))).toBe(true);
    expect(faults).toEqual([]);
    await page.close();
  });

  it.each([1100, 390])('has no serious accessibility fault at %i pixels', async (width) => {
    const page = await open(width);
    await scroll(page);
    await page.addScriptTag({ content: readFileSync(createRequire(__filename).resolve('axe-core'), 'utf8') });
    const { violations } = await page.evaluate<{
      violations: { id: string; impact: string; nodes: { html: string }[] }[];
    }>('axe.run(document, { resultTypes: ["violations"] })');
    const serious = violations.filter((v) => ['serious', 'critical'].includes(v.impact));
    expect(serious.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)}`)).toEqual([]);
    await page.close();
  });

  it('shows the source of a number on keyboard focus and leads to its entry', async () => {
    const page = await open(1100);
    await page.locator('a.num[href="#number-plane-reads.ratio.sagittal"]').first().focus();
    expect(await page.locator('#origin').innerText()).toMatch(/^measured; study plane-reads; Made-up CPU/);
    await page.keyboard.press('Enter');
    expect(new URL(page.url()).hash).toBe('#number-plane-reads.ratio.sagittal');
    await page.close();
  });

  it('filters the register by words and verdict', async () => {
    const page = await open(1100);
    const rows = page.locator('table.claims.full tbody tr:visible');
    const all = await rows.count();
    expect(all).toBe(madeUpClaims().length);
    await page.getByLabel('Words').fill('batch norm');
    expect(await rows.count()).toBeGreaterThan(0);
    expect(await rows.count()).toBeLessThan(all);
    await page.getByLabel('Words').fill('');
    await page.getByLabel('Verdict').selectOption('not tested yet');
    expect(await rows.count()).toBe(madeUpClaims().filter((j) => j.verdict === 'not tested yet').length);
    await page.close();
  });

  it('is whole without scripts, and prints the still pictures', async () => {
    const still = await open(1100, { javaScriptEnabled: false });
    const figures = [...readFileSync(inRepo('paper', 'paper.typ'), 'utf8').matchAll(/^#fig\(/gm)].length;
    expect(figures).toBeGreaterThan(1);
    expect(await still.locator('[data-fig] img:visible').count()).toBe(figures);
    expect(await still.locator('table.claims.full tbody tr:visible').count()).toBe(madeUpClaims().length);
    await still.close();
    const page = await open(1100);
    await scroll(page);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.live:visible').count()).toBe(0);
    expect(await page.locator('[data-fig] img:visible').count()).toBe(figures);
    await page.close();
  });

  it('points at a value in a live figure that is drawn larger', async () => {
    const page = await open(1100);
    await scroll(page);
    const point = page.locator('.live .point').first();
    await point.scrollIntoViewIfNeeded();
    const box = (await point.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 10 });
    await page.locator('.live .hoverlayer .hovertext').first().waitFor({ timeout: 5000 });
    expect(await page.locator('.live .hoverlayer .hovertext').first().innerHTML()).toContain('1');
    await page.close();
  });
});
