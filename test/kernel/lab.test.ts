// What a reader does in JupyterLab, done in Chromium against `coc lab`.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { describeWith } from '../setup/peers';
import { isAlive, type LabPage, LabSession, until } from './lab-driver';

// A browser on a busy machine: one second try, which the reporter names.
const patience = { timeout: 90_000, retry: 1 };

describeWith(['chromium', 'jupyterlab'], 'JupyterLab', () => {
  let lab: LabSession;
  let notebook: LabPage | undefined;
  const open = async (name: string): Promise<LabPage> => (notebook = await lab.open(name));
  beforeAll(async () => (lab = await LabSession.start()));
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail')
      await notebook?.page.screenshot({ path: inRepo('.cache', `${task.id}.png`) });
    if (isAlive(lab.server.pid)) await notebook?.close();
    notebook = undefined;
  });
  afterAll(() => lab.close());

  it('runs cell by cell, and completes', patience, async () => {
    const run = await open('run');
    expect(await run.run('declare')).toBe(1);
    await run.shows('declare', 'declared 3');
    expect(await run.run('use')).toBe(2);
    await run.shows('use', 'sum 6');
    await run.type('complete', 'voxels.redu');
    await run.page.keyboard.press('Tab');
    await until('a list of members', async () => (await run.completions()).includes('reduceRight'));
    await run.page.keyboard.press('Enter');
    await until('completed', async () => /^voxels\.reduce$/m.test(await run.code('complete')));
  });

  it('runs all: every line arrives, and busy and idle are true', patience, async () => {
    const letGo = lab.holdCells();
    const run = await open('run');
    const statuses = await run.watchStatus();
    await run.menu('Run', 'Run All Cells');
    await run.shows('wait', 'waiting');
    // Asking for completions while a cell runs must not make the kernel look idle.
    await run.type('complete', 'voxels.redu');
    await run.page.keyboard.press('Tab');
    const seen: (string | undefined)[] = [];
    const shown = new Set<string>();
    for (let look = 0; look < 20; look++) {
      seen.push((await run.kernel())?.execution_state);
      shown.add((await statuses()).join(' '));
    }
    // The server may be asked between the idle that ends a request for completions and the busy that follows at once.
    expect(seen.join(' ')).toMatch(/^((idle )?busy ?)+$/);
    expect([...shown]).toEqual([expect.stringMatching(/ busy$/)]);
    letGo();
    expect(await run.ran('use')).toBe(4);
    await run.idle();
    expect((await statuses()).join(' ')).toMatch(/busy idle$/);
    expect(await Promise.all(['declare', 'many-lines', 'wait', 'use'].map((id) => run.ran(id)))).toEqual([
      1, 2, 3, 4,
    ]);
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i + 1}\n`).join('');
    expect((await run.save()).get('many-lines')?.streams === lines).toBe(true);
    expect((await run.text('many-lines')).trim().split('\n')).toHaveLength(20_000);
  });

  it('shows a figure: live when trusted, the static picture when not', patience, async () => {
    const figure = await open('figure');
    await figure.run('show', 60);
    await figure.cell('show').locator('.js-plotly-plot .main-svg').first().waitFor();
    const { outputs } = (await figure.save()).get('show')!;
    expect(outputs).toHaveLength(1);
    lab.untrustedCopy(figure, 'figure-from-elsewhere');
    await figure.close();

    // Saved by this server's Jupyter: trusted, drawn live without running anything.
    const again = await open('figure');
    await again.cell('show').locator('.js-plotly-plot .main-svg').first().waitFor();
    await again.close();

    const untrusted = await open('figure-from-elsewhere');
    const picture = untrusted.cell('show').locator('.jp-OutputArea-output img');
    await picture.waitFor();
    await picture.scrollIntoViewIfNeeded();
    expect(await picture.isVisible()).toBe(true);
    expect(await picture.evaluate((img) => (img as { naturalWidth: number }).naturalWidth)).toBeGreaterThan(
      1,
    );
    expect(await untrusted.cell('show').locator('.js-plotly-plot').count()).toBe(0);
  });

  it('shows linked planes that know of each other, in a dark theme too', patience, async () => {
    const planes = await open('viewer');
    await planes.run('show', 60);
    const shown = planes.cell('show');
    await shown.locator('.stage').first().waitFor();
    expect(await shown.locator('img').isVisible()).toBe(false);
    // Step along the line of the axial and the coronal plane: the mark is in both, and gone from the third. Lab must not
    // take the keys for its own.
    await shown.locator('.profile').first().focus();
    await planes.page.keyboard.press('ArrowRight');
    await shown.locator('.readout', { hasText: '(9, 12, 8)' }).waitFor();
    expect(await shown.locator('.mark:visible').count()).toBe(2);
    expect(await shown.locator('.profile').first().getAttribute('aria-valuenow')).toBe('14');
    const box = (await shown.locator('.stage').nth(2).boundingBox())!;
    await planes.page.mouse.move(box.x + box.width * 0.2, box.y + box.height * 0.2);
    expect(await shown.locator('.mark:visible').count()).toBe(1);

    expect(await shown.locator('[data-dark]').count()).toBe(0);
    await planes.page.locator('.lm-MenuBar-itemLabel', { hasText: /^Settings$/ }).click();
    await planes.page.locator('.lm-Menu-itemLabel', { hasText: /^Theme$/ }).hover();
    await planes.page.locator('.lm-Menu-itemLabel', { hasText: /^JupyterLab Dark$/ }).click();
    await shown.locator('[data-dark]').waitFor();
    if (process.env.COC_KEEP) await shown.screenshot({ path: `${process.env.COC_KEEP}/lab-dark.png` });
    await planes.page.locator('.lm-MenuBar-itemLabel', { hasText: /^Settings$/ }).click();
    await planes.page.locator('.lm-Menu-itemLabel', { hasText: /^Theme$/ }).hover();
    await planes.page.locator('.lm-Menu-itemLabel', { hasText: /^JupyterLab Light$/ }).click();
    await shown.locator('[data-coc-viewer] > div:not([data-dark])').waitFor();
  });

  it('an error aborts what was queued and nothing else', patience, async () => {
    const errors = await open('errors');
    await errors.menu('Run', 'Run All Cells');
    await errors.shows('fails', /RangeError.*deliberate/);
    expect(
      await errors
        .cell('fails')
        .locator(
          '[data-mime-type="application/vnd.jupyter.stderr"], [data-mime-type="application/vnd.jupyter.error"]',
        )
        .count(),
    ).toBe(1);
    await errors.idle();
    expect(await errors.ran('before')).toBe(1);
    for (const id of ['queued', 'queued-too', 'type-error', 'rejected', 'at-once']) {
      expect([id, await errors.mark(id), await errors.text(id)]).toEqual([id, '[ ]:', '']);
    }
    // What is started as soon as the error shows is new, not queued: it runs.
    await errors.startBoth('fails');
    await errors.shows('queued', 'queued ran');

    await errors.run('type-error');
    await errors.shows('type-error', "Type 'string' is not assignable to type 'number'");
    await errors.run('rejected');
    await errors.shows('rejected', /Error: nobody listens/);
    await errors.run('at-once');
    await errors.shows('at-once', 'ran at once');
  });

  it('an error that a cell is tagged for stops nothing', patience, async () => {
    const tagged = await open('tagged');
    await tagged.menu('Run', 'Run All Cells');
    await tagged.shows('next', 'next ran');
    await tagged.shows('allowed', /Error: allowed/);
  });

  it('interrupt ends the cell and the loops it left running', patience, async () => {
    const loops = await open('interrupt');
    const interrupted = async (id: string): Promise<void> => {
      await loops.interrupt();
      await loops.ran(id, 10);
      await loops.idle(10);
      expect(await loops.text(id)).toMatch(/interrupt/i);
      await loops.run('alive');
    };
    await loops.run('declare');
    await loops.start('busy-loop');
    await loops.shows('busy-loop', 'spinning');
    await interrupted('busy-loop');

    await loops.start('loop');
    await loops.shows('loop', 'tick');
    await interrupted('loop');
    await loops.run('count');
    const ticks = await loops.text('count');
    expect(ticks).toMatch(/^ticks [1-9]/);
    // A loop that went on would tick every 20 ms.
    await new Promise((done) => setTimeout(done, 300));
    await loops.run('count');
    expect(await loops.text('count')).toBe(ticks);
    expect(await loops.text('alive')).not.toContain('tick');

    await loops.start('busy-after-await');
    await loops.shows('busy-after-await', 'spinning after an await');
    await interrupted('busy-after-await');
  });

  it('late output stays in its cell', patience, async () => {
    const late = await open('late');
    await late.run('starts');
    await late.run('meanwhile');
    await late.run('after');
    await late.shows('starts', 'late words');
    const saved = await late.save();
    expect(['starts', 'meanwhile', 'after'].map((id) => saved.get(id)?.streams)).toEqual([
      'started\nlate words\n',
      'meanwhile\n',
      'after\n',
    ]);
  });

  it('restarts, also during a loop; a killed kernel comes back', patience, async () => {
    const processes = await open('process');
    const pid = async (): Promise<number> => {
      await processes.run('pid');
      await processes.shows('pid', /pid \d+/);
      return Number(/\d+/.exec(await processes.text('pid'))![0]);
    };
    const freshAfter = async (old: number): Promise<void> => {
      await until(`kernel ${old} is gone`, () => !isAlive(old));
      await processes.idle();
      expect(await processes.run('kept')).toBe(1);
      await processes.shows('kept', "Cannot find name 'kept'");
    };
    const first = await pid();
    await processes.restart();
    await freshAfter(first);

    const second = await pid();
    await processes.start('loop');
    await processes.shows('loop', 'looping');
    await processes.restart();
    await freshAfter(second);

    const third = await pid();
    process.kill(third, 'SIGKILL');
    await processes.page
      .locator('.jp-Dialog', { hasText: 'Kernel Restarting' })
      .locator('.jp-mod-accept')
      .click();
    await freshAfter(third);
  });

  it('draws figures under another base URL too', patience, async () => {
    const course = await LabSession.start('--ServerApp.base_url=/course/one/');
    try {
      const figure = await course.open('figure');
      const [script] = await Promise.all([
        figure.page.waitForResponse((response) => response.url().includes('plotly.js')),
        figure.run('show', 60),
      ]);
      expect(new URL(script.url()).pathname).toBe('/course/one/files/node_modules/plotly.js-dist/plotly.js');
      await figure.cell('show').locator('.js-plotly-plot .main-svg').first().waitFor();
    } finally {
      await course.close();
    }
  });

  it('a killed server leaves no orphan, and coc lab says so', patience, async () => {
    const processes = await open('process');
    await processes.run('pid');
    await processes.shows('pid', /pid \d+/);
    const pid = Number(/\d+/.exec(await processes.text('pid'))![0]);
    expect(isAlive(pid)).toBe(true);
    process.kill(lab.server.pid, 'SIGKILL');
    await until('the kernel is gone', () => !isAlive(pid), 10);
    expect(await lab.ended).toBe(1);
    expect(lab.stderr()).toContain('JupyterLab ended: given signal SIGKILL');
  });
});
