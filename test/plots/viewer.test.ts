// The viewer in a browser: what is pointed at in one plane is marked in all that hold the voxel; by keyboard too.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { chromium as launcher } from 'playwright-core';
import { PNG } from 'pngjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { figureBundle } from '../../src/plots/bundle';
import { figure } from '../../src/plots/draw';
import { figurePage } from '../../src/plots/pages';
import { drawSvg } from '../../src/plots/picture';
import { renderPng } from '../../src/plots/raster';
import type { JsonObject } from '../../src/plots/spec';
import { labelColour, planeStyle } from '../../src/plots/theme';
import { linkedSlices } from '../../src/experiments/linked-slices';
import { counted } from '../sampling/volumes';
import { chromium, describeWith } from '../setup/peers';
import { madeUpLinkedFigure, madeUpLinkedPlanes } from './made-up';

const drawn = (options?: object) =>
  figure('linked-planes.figure', madeUpLinkedFigure(madeUpLinkedPlanes(options)));

/** Keep a picture to be looked at, in the folder COC_KEEP. */
function keep(name: string, png: Buffer): void {
  if (process.env.COC_KEEP) writeFileSync(path.join(process.env.COC_KEEP, name), png);
}

describe('linked planes as a still picture', () => {
  const f = drawn({ prediction: true });

  it('draws both profiles of every line, the difference, and the prediction', () => {
    const below = f.spec.data.slice(6);
    // Three lines: two profiles, one difference, two predictions.
    expect(below).toHaveLength(3 * (2 + 1 + 2));
    const { lines } = madeUpLinkedPlanes();
    expect(below.slice(0, 2).map((t) => t.y)).toEqual(lines[0].profiles.stored);
    const differences = below.slice(6, 9).map((t) => t.y as number[]);
    for (const d of differences) expect(d.flatMap((v, i) => (v === 0 ? [] : [[i, v]]))).toEqual([[5, 1]]);
    expect(below[9].y).toEqual(lines[0].profiles.stored[0].map(() => 1));
    // From the shared voxel, in mm: the coronal-sagittal line has its sample 11 there, 2 mm apart.
    const along = below[4].x as number[];
    expect([along[11], along[0], along.at(-1)]).toEqual([0, -22, 16]);
  });

  it('says how far the planes agree', () => {
    expect(f.caption).toContain('hold the same value at each of the 90 places, bit for bit');
    expect(f.caption.replaceAll('\u202f', ' ')).toContain(
      'Largest difference after resizing: with a flaw 1.0 mV',
    );
    const torn = madeUpLinkedPlanes();
    torn.lines[2].profiles.stored[1] = torn.lines[2].profiles.stored[1].map((v) => v! + 2);
    const { caption } = figure('linked-planes.figure', madeUpLinkedFigure(torn));
    expect(caption.replaceAll('\u202f', ' ')).toContain(
      'the planes differ by up to 2.0 mV: they are not of one volume',
    );
    const holed = madeUpLinkedPlanes();
    const [first, second] = holed.lines[0].profiles.stored.map((values) => [...values]);
    holed.lines[0].profiles.stored = [first, second];
    first[0] = second[0] = null;
    expect(figure('linked-planes.figure', madeUpLinkedFigure(holed)).caption).toContain(
      'each of the 89 places',
    );
    first[1] = null;
    expect(figure('linked-planes.figure', madeUpLinkedFigure(holed)).caption).toContain(
      'and at 1 places one holds no number: they are not of one volume',
    );
    expect(f.rows.find((r) => r.quantity.includes('with a flaw'))).toMatchObject({
      group: 'axial-coronal',
      value: 1 / 30,
    });
  });

  it('shows the mask in its colour, and tells the planes by colour and dash', async () => {
    const png = PNG.sync.read(renderPng((await drawSvg(f)).bare, 96));
    const has = (colour: string): boolean => {
      const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
      for (let i = 0; i < png.data.length; i += 4)
        if (Math.abs(png.data[i] - r) + Math.abs(png.data[i + 1] - g) + Math.abs(png.data[i + 2] - b) < 12)
          return true;
      return false;
    };
    expect(has(labelColour(1))).toBe(true);
    const lines = f.spec.data.slice(0, 2).map((t) => t.line as JsonObject);
    expect(lines.map((l) => [l.color, l.dash])).toEqual([
      [planeStyle.sagittal.colour, 'dot'],
      [planeStyle.coronal.colour, 'dash'],
    ]);
    keep('linked-still.png', renderPng((await drawSvg(f)).bare, 192));
  });

  it('is drawn of the stored values alone, too', async () => {
    const alone = madeUpLinkedPlanes({ mask: false });
    alone.signals.length = 1;
    for (const line of alone.lines) delete line.profiles.flawed;
    const drawing = figure('linked-planes.figure', madeUpLinkedFigure(alone));
    expect(drawing.spec.data.slice(6)).toHaveLength(3 * 2);
    expect((await drawSvg(drawing)).bare).toContain('run together towards');
    expect(drawing.caption).not.toContain('after resizing');
  });

  it('draws volumes of any shape', async () => {
    // The first two are real ones whose widths add up to a little more than the whole, or leave no height.
    for (const [dims, spacing] of [
      [
        [49, 54, 9],
        [0.5, 0.5, 7.499999],
      ],
      [
        [7, 9, 300],
        [1, 1, 2],
      ],
      [
        [240, 240, 155],
        [1, 1, 1],
      ],
      [
        [1, 2, 3],
        [1, 1, 1],
      ],
    ] as [[number, number, number], [number, number, number]][]) {
      const volume = counted(dims, 'LPS', { make: Float32Array, spacing });
      const data = linkedSlices(volume, [0, 1, 2], {
        source: { title: 'counted voxels', licence: 'CC0', synthetic: true },
        values: { title: 'Index', unit: '' },
      });
      const drawing = figure('linked-planes.figure', madeUpLinkedFigure(data));
      expect((await drawSvg(drawing)).bare).toContain('Sagittal');
      expect(drawing.spec.layout.height).toBeLessThan(700);
    }
  });

  it('names what is wrong with its data', () => {
    const wrong = madeUpLinkedPlanes();
    wrong.lines[0].count = 7;
    expect(() => figure('linked-planes.figure', madeUpLinkedFigure(wrong))).toThrow(
      'cannot use the linked planes of linked-planes.figure: given 30 values of stored along axial-coronal, expected 7',
    );
  });
});

describeWith('chromium', 'the viewer in a browser', () => {
  let browser: Browser;
  let origin: string;
  const served = new Map<string, string>();
  const server = createServer((request, response) => {
    const body = served.get(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(body);
  });
  let page: Page;
  const asked: string[] = [];
  const faults: string[] = [];

  const open = async (address: string, width = 1200, options: BrowserContextOptions = {}): Promise<Page> => {
    page = await browser.newPage({ viewport: { width, height: 900 }, ...options });
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      // What this test reads from the canvases the browser would have done otherwise.
      if (!message.text().startsWith('Canvas2D: Multiple readback')) faults.push(message.text());
    });
    await page.goto(`${origin}${address}`);
    if (options.javaScriptEnabled !== false)
      await page.locator('[data-live]').first().waitFor({ state: 'attached' });
    return page;
  };
  const stage = (k: number): Locator => page.locator('.stage').nth(k);
  const profile = (k: number): Locator => page.locator('.profile').nth(k);
  /** Move the pointer to the middle of a pixel of a plane. */
  const pointAt = async (k: number, column: number, row: number, offset = 0): Promise<void> => {
    const box = (await stage(k).boundingBox())!;
    const { width, height } = madeUpLinkedPlanes().planes[k];
    await page.mouse.move(
      box.x + ((column + 0.5) / width) * box.width + offset,
      box.y + ((row + 0.5) / height) * box.height + offset,
    );
  };
  /** The pixels that are marked in the three planes. */
  const marks = async (): Promise<(string | null)[]> => {
    const styles = await page.locator('.mark').evaluateAll((all) =>
      all.map((e) => {
        const { hidden, style } = e as unknown as { hidden: boolean; style: { left: string; top: string } };
        return hidden ? null : [style.left, style.top];
      }),
    );
    return styles.map((at, k) => {
      if (!at) return null;
      const { width, height } = madeUpLinkedPlanes().planes[k];
      const place = (text: string, n: number): number => Math.round((parseFloat(text) / 100) * n - 0.5);
      return `${place(at[0], width)}, ${place(at[1], height)}`;
    });
  };
  const samples = async (): Promise<(string | null)[]> => {
    const shown = await page.locator('.values').allInnerTexts();
    const now = await page
      .locator('.profile')
      .evaluateAll((all) =>
        all.map((e) =>
          (e as unknown as { getAttribute: (n: string) => string }).getAttribute('aria-valuenow'),
        ),
      );
    return now.map((n, k) => (shown[k].includes('beside') ? null : n));
  };
  const readout = async (): Promise<string> =>
    (await page.locator('.readout').innerText()).replace(/\s+/g, ' ');
  /** The colour of a pixel of a plane's canvas. */
  const colour = (k: number, column: number, row: number): Promise<number[]> =>
    page
      .locator('canvas')
      .nth(k)
      .evaluate(
        (canvas, at) =>
          [
            ...(
              canvas as unknown as {
                getContext: (n: string) => { getImageData: (...a: number[]) => { data: Uint8ClampedArray } };
              }
            )
              .getContext('2d')
              .getImageData(at[0], at[1], 1, 1).data,
          ].slice(0, 3),
        [column, row],
      );
  const slide = (label: string, value: number): Promise<void> =>
    page
      .getByLabel(label, { exact: false })
      .first()
      .evaluate((input, v) => {
        const range = input as unknown as { value: string; dispatchEvent: (e: unknown) => void };
        range.value = `${v}`;
        range.dispatchEvent(new Event('input'));
      }, value);

  beforeAll(async () => {
    for (const [name, options] of [
      ['plain', {}],
      ['guess', { prediction: true }],
      ['bare', { mask: false }],
    ] as const) {
      const f = drawn(options);
      served.set(`/${name}`, await figurePage(f, await drawSvg(f), []));
    }
    // Every browser asks for one.
    served.set('/favicon.ico', '');
    const html = (await figureBundle(drawn()))['text/html'] as string;
    served.set('/notebook', `<!doctype html><title>n</title><body>${html}${html}</body>`);
    served.set(
      '/dark-lab',
      `<!doctype html><title>n</title><body style="background:#111" data-jp-theme-light="false">${html}</body>`,
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launcher.launch({ executablePath: chromium(), args: ['--no-sandbox'] });
  });
  afterEach(async () => {
    await page.close();
    expect(faults.splice(0)).toEqual([]);
    const pages = [...served.keys()];
    expect(
      asked.splice(0).filter((url) => !/^(?:data|blob):/.test(url) && !pages.includes(new URL(url).pathname)),
    ).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  it('begins at the shared voxel, marked everywhere', async () => {
    await open('/plain');
    expect(await marks()).toEqual(['12, 25', '12, 11', '25, 11']);
    expect(await samples()).toEqual(['12', '25', '11']);
    expect((await readout()).replaceAll('\u202f', ' ')).toBe(
      'Voxel (12, 25, 8) Position 3.0 R, 5.0 P, 6.0 S mm Sum 86.0000 mV Label box',
    );
    expect(await page.locator('.still').isVisible()).toBe(false);
    keep('viewer-1200.png', await page.screenshot({ fullPage: true }));
  });

  it('marks a voxel of a line in the other plane and on the profile', async () => {
    await open('/plain');
    await pointAt(0, 20, 25);
    expect(await marks()).toEqual(['20, 25', '20, 11', null]);
    expect(await samples()).toEqual(['20', null, null]);
    // Beside the line, but near: drawn to it.
    await pointAt(0, 20, 25, 3);
    expect((await marks()).slice(1)).toEqual(['20, 11', null]);
    await pointAt(2, 25, 2);
    expect(await marks()).toEqual([null, '12, 2', '25, 2']);
    expect(await samples()).toEqual([null, null, '2']);
    expect((await readout()).replaceAll('\u202f', ' ')).toContain(
      'Voxel (12, 25, 17) Position 3.0 R, 5.0 P, 24.0 S mm Sum 113.000 mV Label none',
    );
  });

  it('away from the lines marks its own plane only, and says that the value is about', async () => {
    await open('/plain');
    await pointAt(0, 3, 35);
    expect(await marks()).toEqual(['3, 35', null, null]);
    expect(await samples()).toEqual([null, null, null]);
    expect((await readout()).replaceAll('\u202f', ' ')).toContain(
      'Voxel (3, 35, 8) Position 12.0 R, 15.0 P, 6.0 S mm Sum ≈ 97.0 mV',
    );
  });

  it('marks both planes from a profile', async () => {
    await open('/plain');
    const box = (await profile(1).boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 40);
    const [sample] = (await samples()).slice(1);
    expect(Number(sample)).toBeGreaterThan(15);
    expect(await marks()).toEqual([`12, ${sample}`, null, `${sample}, 11`]);
  });

  it('goes by keyboard, along a line and in a plane', async () => {
    await open('/plain');
    await profile(2).focus();
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowLeft', 'PageDown']) await page.keyboard.press(key);
    expect(await samples()).toEqual([null, null, '2']);
    expect(await marks()).toEqual([null, '12, 2', '25, 2']);
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowRight');
    expect(await samples()).toEqual([null, null, '19']);
    expect((await profile(2).getAttribute('aria-valuetext'))!.replaceAll('\u202f', ' ')).toBe(
      '16.0 mm from the shared voxel; Coronal 62.00, sagittal 62.00; no label',
    );
    await stage(0).focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    expect(await marks()).toEqual(['13, 25', '13, 11', null]);
    await page.keyboard.press('Shift+ArrowUp');
    expect(await marks()).toEqual(['13, 15', null, null]);
    await page.getByRole('status').filter({ hasText: 'Voxel (13, 15, 8)' }).waitFor({ state: 'attached' });
    // By Tab alone one comes to each plane and each profile.
    await page.getByRole('button', { name: 'Reset' }).focus();
    const stops: string[] = [];
    for (let i = 0; i < 6; i++) {
      await page.keyboard.press('Tab');
      stops.push(
        await page.evaluate<string>(
          `document.querySelector('.live > div').shadowRoot.activeElement.className`,
        ),
      );
    }
    expect(stops).toEqual(['stage', 'stage', 'stage', 'profile', 'profile', 'profile']);
  });

  it('shows other values along the lines, and where they differ', async () => {
    await open('/plain');
    const words = async (): Promise<string> => (await page.locator('.profile').first().textContent())!;
    expect(await words()).toContain('no difference, bit for bit');
    await page.getByRole('combobox', { name: 'Along the lines' }).selectOption('with a flaw');
    expect(await words()).toContain('coronal − axial, up to 1.000');
    await pointAt(0, 5, 25);
    expect((await page.locator('.values').first().innerText()).replaceAll('\u202f', ' ')).toMatch(
      /Axial 79\.00\s+coronal 80\.00\s+at −7\.0 mm: difference 1\.000; no label/,
    );
  });

  it('changes the grey window and the mask', async () => {
    await open('/plain');
    // Voxel (3, 35, 8): value 97, no label. Voxel (12, 24, 8): value 84, label.
    expect(await colour(0, 3, 35)).toEqual([97, 97, 97]);
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(labelColour(1).slice(at, at + 2), 16));
    const mixed = [red, green, blue].map((c) => Math.round(84 + 0.45 * (c - 84)));
    (await colour(0, 12, 24)).forEach((c, i) => expect(Math.abs(c - mixed[i])).toBeLessThanOrEqual(1));
    await slide('Opacity of the mask', 100);
    expect(await colour(0, 12, 24)).toEqual([red, green, blue]);
    await page.getByLabel('Mask', { exact: true }).uncheck();
    expect(await colour(0, 12, 24)).toEqual([84, 84, 84]);
    await slide('Black', 47);
    await slide('White', 147);
    expect(await colour(0, 3, 35)).toEqual([128, 128, 128]);
    // The two do not pass each other.
    await slide('Black', 200);
    expect(await page.getByLabel('Black').inputValue()).toBe('146');
    await page.getByRole('button', { name: 'Reset' }).click();
    expect(await colour(0, 3, 35)).toEqual([97, 97, 97]);
  });

  it('outlines a prediction and shows it along the lines', async () => {
    await open('/guess');
    await page.getByLabel('Outline').selectOption('a guess');
    expect(await colour(0, 0, 0)).toEqual([0, 0, 0]);
    expect(await colour(0, 0, 20)).not.toEqual(await colour(0, 1, 20));
    await page.getByRole('combobox', { name: 'Along the lines' }).selectOption('a guess');
    expect(await page.locator('.profile').first().textContent()).toContain('coronal − axial, up to 1.000');
    expect(await page.locator('.profile').nth(2).textContent()).toContain('no difference, bit for bit');
  });

  it('needs no mask', async () => {
    await open('/bare');
    expect(await page.getByLabel('Mask').count()).toBe(0);
    expect(await readout()).not.toContain('Label');
  });

  it.each([
    [1200, 'light'],
    [400, 'light'],
    [1200, 'dark'],
    [400, 'dark'],
  ] as const)('fits %i pixels in a %s page, with no accessibility fault', async (width, colorScheme) => {
    await open('/guess', width, { colorScheme });
    await page.getByText('The numbers').click();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    // Two planes side by side, or three; one scale for all.
    const boxes = await Promise.all([0, 1, 2].map(async (k) => (await stage(k).boundingBox())!));
    expect(boxes[0].y === boxes[1].y && boxes[1].y === boxes[2].y).toBe(width > 1000);
    expect(boxes[2].width / boxes[0].width).toBeCloseTo(40 / 30, 1);
    await page.addScriptTag({ content: readFileSync(createRequire(__filename).resolve('axe-core'), 'utf8') });
    const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
      'axe.run(document, { resultTypes: ["violations"] })',
    );
    expect(violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)}`)).toEqual([]);
    keep(`viewer-${width}-${colorScheme}.png`, await page.screenshot({ fullPage: true }));
  });

  it('comes to life in each output of a notebook, once, and follows a dark theme', async () => {
    await open('/notebook');
    await page.locator('[data-live]').nth(1).waitFor();
    expect(await page.locator('.planes').count()).toBe(2);
    expect(await page.locator('img:visible').count()).toBe(0);
    await page.close();
    await open('/dark-lab');
    const host = page.locator('[data-coc-viewer] > div');
    expect(await host.getAttribute('data-dark')).toBe('');
    await page.evaluate(
      `document.body.style.background = '#fff'; document.body.dataset.jpThemeLight = 'true'`,
    );
    await page.locator('[data-coc-viewer] > div:not([data-dark])').waitFor();
  });

  it('prints the still picture, and shows it without scripts', async () => {
    for (const address of ['/plain', '/notebook']) {
      await open(address);
      await page.emulateMedia({ media: 'print' });
      expect(await page.locator('img').first().isVisible()).toBe(true);
      expect(await page.locator('.planes').first().isVisible()).toBe(false);
      await page.close();
      await open(address, 1200, { javaScriptEnabled: false });
      expect(await page.locator('img').first().isVisible()).toBe(true);
      await page.close();
    }
    await open('/plain');
  });
});
