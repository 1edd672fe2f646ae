// The page of memory needs in a browser, from a file: to the byte what `coc vram` says, nothing asked of any server, no fault of
// accessibility.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { chromium as launcher } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dryRunStep } from '../../src/backends/meta/dry-run';
import type { Policy } from '../../src/memory/policy';
import { cardMemories } from '../../src/profilers/vram/card-memory';
import { derivedNeed } from '../../src/profilers/derived/need';
import { dryRunParts, readingOf } from '../../src/profilers/vram/dry-reading';
import type { Need } from '../../src/profilers/vram/need';
import type { Reading } from '../../src/profilers/vram/reading';
import type { BatchlessSetting, Setting } from '../../src/profilers/vram/setting';
import { studySetting } from '../../src/profilers/vram/setting';
import { vramStep } from '../../src/profilers/vram/step';
import { dryRunOf } from '../../src/profilers/vram/tfjs';
import { writeVramPage } from '../../src/publish/vram-page';
import { chromium, describeWith } from '../setup/peers';

/** What `coc vram --stack tfjs` reads of a setting. */
function reading(setting: BatchlessSetting): Reading {
  const runs = dryRunParts(setting.policy).map((part) => [part, dryRunOf(setting, part)] as const);
  return readingOf(Object.fromEntries(runs), setting.model);
}

/** The step itself, run on shapes with the batch that is asked for. */
function dryPeak(asked: Setting): number {
  const { step, inputs } = vramStep(asked);
  return dryRunStep(step as never, inputs, { like: 'tensorflow' }).ledger.peak().bytes;
}

const setting = (policy: Policy, own: Partial<Setting> = {}): Setting => ({
  ...studySetting('tiny-64'),
  policy,
  ...own,
});

describeWith('chromium', 'the page of memory needs', () => {
  let browser: Browser;
  let page: Page;
  const dir = mkdtempSync(path.join(os.tmpdir(), 'vram-page-'));
  const asked: string[] = [];
  const faults: string[] = [];

  beforeAll(async () => {
    const file = await writeVramPage(path.join(dir, 'vram.html'));
    browser = await launcher.launch({ executablePath: chromium(), args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 1100, height: 900 }, offline: true });
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(pathToFileURL(file).href);
    await settled();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const settled = async (): Promise<void> => {
    await page.waitForFunction(
      `document.querySelector('.results[aria-busy=false]') && /needs/.test(document.querySelector('[role=status]').textContent)`,
      undefined,
      { timeout: 110_000 },
    );
  };
  const slide = (name: string, value: number): Promise<unknown> =>
    page.evaluate(`{
      const input = document.querySelector('input[name=${name}]');
      input.value = '${value}';
      input.dispatchEvent(new Event('input', { bubbles: true }));
    }`);
  /** The bytes of a column of the first table: peak, weights, beyond them, kept, and every category at the peak. */
  const shown = (column: 2 | 3): Promise<number[]> =>
    page.evaluate(
      `[...document.querySelectorAll('[data-needs] tr > :nth-child(${column})[data-bytes]')].map((cell) => Number(cell.dataset.bytes))`,
    );
  const bytesOf = ({ peakBytes, weightsBytes, peakBeyondWeightsBytes, savedBytes, byCategory }: Need): (number | null)[] => [peakBytes, weightsBytes, peakBeyondWeightsBytes, savedBytes, ...Object.values(byCategory)]; // prettier-ignore

  const agrees = async ({ batch, ...asked }: Setting): Promise<void> => {
    const said = reading(asked);
    expect(await shown(2)).toEqual(bytesOf(said.need(batch)));
    expect((await shown(2))[0]).toBe(dryPeak({ ...asked, batch }));
    const largest = await page.evaluate(
      `[...document.querySelectorAll('tr > :nth-child(3)[data-largest]')].map((cell) => Number(cell.dataset.largest))`,
    );
    expect(largest).toEqual(Object.values(cardMemories).map(({ bytes }) => said.largestBatch(bytes)));
  };

  it('says of a card that fits no batch that there is none', async () => {
    // It begins with the plain tape of SAM ViT-H, three views.
    const row = (name: string): Promise<string[]> =>
      page.evaluate(
        `[...document.querySelectorAll('tr')].find((row) => row.cells[0].textContent === '${name}').innerText.split('\\t')`,
      );
    const [, , ours, theirs] = await row('T4');
    expect([ours, theirs]).toEqual(Array(2).fill('does not fit; largest batch none'));
    expect((await row('H200'))[3]).toMatch(/^fits; largest batch [1-9]/);
  });

  it('is to the byte what coc vram says, for what is chosen', async () => {
    await page.locator('select[name=model]').selectOption('tiny-64');
    await settled();
    const tape = setting([]);
    await agrees(tape);
    expect(await shown(3)).toEqual(bytesOf(derivedNeed(tape)));

    for (const name of ['lean', 'per-plane', 'recompute', 'chunked'])
      await page.locator(`input[name=${name}]`).check();
    await settled();
    const all: Policy = ['per-plane', 'recompute', 'lean', 'chunked'];
    await agrees(setting(all));

    for (const name of ['recompute', 'chunked']) await page.locator(`input[name=${name}]`).uncheck();
    await slide('views', 2);
    await slide('batch', 2);
    await slide('size', 32);
    await slide('rank', 7);
    await slide('first', 2);
    await page.locator('select[name=optimiser]').selectOption('sgd');
    await settled();
    const other = setting(['per-plane', 'lean'], {
      views: 2,
      batch: 2,
      size: 32,
      trained: { kind: 'lora', rank: 7, first: 2 },
      optimiser: 'sgd',
    });
    await agrees(other);

    await page.locator('select[name=train]').selectOption('all');
    await page.locator('select[name=precision]').selectOption('amp');
    await settled();
    const whole = { ...other, trained: { kind: 'all' } } as const;
    await agrees(whole);
    expect(await shown(3)).toEqual(bytesOf(derivedNeed({ ...whole, precision: 'amp' })));
    expect(await page.locator('input[name=rank]').isVisible()).toBe(false);
  });

  it('asks nothing of any server, and axe finds no fault', async () => {
    expect(asked.filter((url) => !/^(?:file|data|blob):/.test(url))).toEqual([]);
    expect(faults).toEqual([]);
    await page.addScriptTag({ content: readFileSync(createRequire(__filename).resolve('axe-core'), 'utf8') });
    const { violations } = await page.evaluate<{
      violations: { id: string; nodes: { html: string }[] }[];
    }>('axe.run(document, { resultTypes: ["violations"] })');
    expect(violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)}`)).toEqual([]);
    if (process.env.COC_KEEP)
      await page.screenshot({ path: path.join(process.env.COC_KEEP, 'vram-page.png'), fullPage: true });
  });
});
