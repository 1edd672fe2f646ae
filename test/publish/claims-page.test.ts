// The page of claims: whole as a file, and in a real browser: no request, no accessibility fault, filters in the address.
import { mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { chromium as launcher } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadRegister } from '../../src/claims/register';
import { summarise } from '../../src/claims/summary';
import type { Judgement, Verdict } from '../../src/claims/verdict';
import { judgeAll, verdicts } from '../../src/claims/verdict';
import { claimsPage } from '../../src/publish/claims-page';
import { writeClaimsPage } from '../../src/publish/recorded';
import { loadResults, recordedDir } from '../../src/results/store';
import { byId, claim, result } from '../claims/fixtures';
import { chromium, describeWith } from '../setup/peers';

const recorded = loadResults(recordedDir());
const judged = judgeAll(loadRegister(), recorded);
const count = (wanted: (judgement: Judgement) => boolean): number => judged.filter(wanted).length;
const build = (): Promise<string> => {
  const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'claims-page-')), 'claims.html');
  return writeClaimsPage({ file });
};

describe('the page of claims as a file', () => {
  it('holds every claim once, asks nothing of any server and says where what was not tested goes', async () => {
    const html = readFileSync(await build(), 'utf8');
    for (const { claim: c } of judged) expect(html.split(`id="claim-${c.id}"`)).toHaveLength(2);
    expect(html).not.toMatch(/(?:src|href)=["']?(?:https?:)?\/\//);
    expect(html).not.toMatch(/url\((?!data:)/);
    expect(html).toMatch(/href="[^"]*notebooks\/06-strides\.ipynb"/);
    expect(html).toContain('Nearest proxy:');
  });

  it('cannot be broken by what a claim says, and shows own numbers apart with their drift', async () => {
    const nasty = claim({
      statement: 'Walking </script><b>is faster</b> than "standing" & sitting.',
      expect: { rule: 'The ratio lies above one.', all: [{ result: 'walk.ratio', is: 'above', bound: 1 }] },
    });
    const results = byId(result());
    const here = byId(result({ value: 9, uncertainty: null, origin: 'fresh' }));
    const html = await claimsPage(summarise(judgeAll([nasty], results), results, here));
    expect(html.match(/<\/script>/g)).toHaveLength(1);
    expect(html).not.toContain('<b>is faster');
    expect(html).toContain('Measured here: </span>9</span>');
    expect(html).toContain('Recorded: </span>2 (none)</span>');
    expect(html).toMatch(
      /set no verdict<\/dt><dd><ul><li>walking over standing: <b>9<\/b>.*beside the record: /,
    );
    expect(html).not.toContain('href=');
  });
});

describeWith('chromium', 'the page of claims in a browser', () => {
  let browser: Browser;
  let address: string;
  const asked: string[] = [];
  const faults: string[] = [];
  const open = async (
    hash = '',
    { width = 1280, ...options }: Parameters<Browser['newPage']>[0] & { width?: number } = {},
  ): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width, height: 900 }, ...options });
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(address + hash);
    return page;
  };
  const rows = (page: Page): ReturnType<Page['locator']> => page.locator('.place > details:visible');
  const told = (page: Page): Promise<string> => page.locator('output').innerText();

  beforeAll(async () => {
    address = pathToFileURL(await build()).href;
    browser = await launcher.launch({ executablePath: chromium(), args: ['--no-sandbox'] });
  });
  afterAll(async () => browser?.close());

  it.each([
    [1280, 'light'],
    [1280, 'dark'],
    [400, 'light'],
    [400, 'dark'],
  ] as const)(
    'at %i pixels, %s: fits, and axe finds no fault, rows closed and open',
    async (width, colorScheme) => {
      const page = await open('#section=cost+4.3', { width, colorScheme });
      await page.addScriptTag({
        content: readFileSync(createRequire(__filename).resolve('axe-core'), 'utf8'),
      });
      for (const button of ['Close all', 'Open all']) {
        await page.getByRole('button', { name: button }).click();
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
        const { violations } = await page.evaluate<{
          violations: { id: string; nodes: { html: string }[] }[];
        }>('axe.run(document, { resultTypes: ["violations"] })');
        expect(violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)}`)).toEqual([]);
      }
      expect(asked.filter((url) => !/^(?:file|data):/.test(url))).toEqual([]);
      expect(faults).toEqual([]);
      await page.close();
    },
  );

  it('filters by each of its means, and its counts follow', async () => {
    const page = await open();
    expect(await told(page)).toBe(`${judged.length} of ${judged.length} claims`);
    await page.getByLabel('Document').selectOption('cva');
    expect(await rows(page).count()).toBe(count((j) => j.claim.seed === 'cva'));
    const shown = (verdict: Verdict): Promise<string> =>
      page.locator(`.tally li[data-verdict="${verdict}"] b`).innerText();
    for (const verdict of verdicts)
      expect(await shown(verdict)).toBe(`${count((j) => j.claim.seed === 'cva' && j.verdict === verdict)}`);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByLabel('Notebook').selectOption('06-strides');
    await page.getByLabel('Verdict').selectOption('reproduced');
    expect(await rows(page).count()).toBe(
      count((j) => j.claim.test.notebook === '06-strides' && j.verdict === 'reproduced'),
    );
    await page.getByLabel('with numbers of ours only').check();
    expect(await rows(page).count()).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByLabel('with numbers of ours only').check();
    const withNumbers = await rows(page).count();
    expect(withNumbers).toBe(summarise(judged, recorded).rows.filter((row) => row.numbers.length > 0).length);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByLabel('Words').fill('phantom pixels');
    expect(await rows(page).count()).toBeGreaterThan(0);
    await page.getByLabel('Words').fill('xylophone');
    expect(await page.getByText('No claim fits this filter.').isVisible()).toBe(true);
    expect(await told(page)).toBe(`0 of ${judged.length} claims`);
    await page.close();
  });

  it('keeps the filter in the address, and the address opens one claim', async () => {
    const page = await open();
    await page.getByRole('button', { name: /not reproduced/ }).click();
    expect(new URL(page.url()).hash).toBe('#verdict=not+reproduced');
    const shown = await rows(page).count();
    expect(shown).toBe(count((j) => j.verdict === 'not reproduced'));
    const again = await open(new URL(page.url()).hash);
    expect(await rows(again).count()).toBe(shown);
    expect(await again.getByLabel('Verdict').inputValue()).toBe('not reproduced');
    await again.getByRole('button', { name: /not reproduced/ }).click();
    expect(await rows(again).count()).toBe(judged.length);
    expect(new URL(again.url()).hash).toBe('');
    const one = await open('#claim-phantom-pixels');
    expect(await one.locator('#claim-phantom-pixels').getAttribute('open')).not.toBeNull();
    expect(await one.locator('details[open]').count()).toBe(1);
    const nonsense = await open('#verdict=maybe&colour=red');
    expect(await rows(nonsense).count()).toBe(judged.length);
    await Promise.all([page, again, one, nonsense].map((p) => p.close()));
  });

  it('works by keyboard: slash to the words, arrows from row to row, Enter opens', async () => {
    const page = await open('#verdict=reproduced');
    await page.keyboard.press('/');
    await page.keyboard.type('plane');
    expect(await page.getByLabel('Words').inputValue()).toBe('plane');
    const summaries = page.locator('.place > details:visible > summary');
    await summaries.first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    expect(await rows(page).nth(1).getAttribute('open')).not.toBeNull();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    expect(await rows(page).last().getAttribute('open')).not.toBeNull();
    await page.close();
  });

  it('is whole without scripts, and on paper', async () => {
    const still = await open('', { javaScriptEnabled: false });
    expect(await still.locator('.place dl:visible').count()).toBe(judged.length);
    expect(await still.locator('form:visible').count()).toBe(0);
    await still.close();
    const page = await open('#document=cva');
    await page.evaluate('dispatchEvent(new Event("beforeprint"))');
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.place dl:visible').count()).toBe(count((j) => j.claim.seed === 'cva'));
    expect(await page.locator('form:visible').count()).toBe(0);
    await page.emulateMedia({ media: 'screen' });
    await page.evaluate('dispatchEvent(new Event("afterprint"))');
    expect(await page.locator('details[open]').count()).toBe(0);
    await page.close();
  });
});
