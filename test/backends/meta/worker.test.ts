// A dry run in a browser's worker, without Node: the same ledger, to the byte.
import { build } from 'esbuild';
import { chromium as launcher } from 'playwright-core';
import { expect, it } from 'vitest';
import { candidate as cpu } from '../../../src/backends/cpu';
import { Ledger, type LedgerJson } from '../../../src/backends/ledger';
import { ledgerDifferences } from '../../../src/backends/ledger-difference';
import { dryRunStep } from '../../../src/backends/meta/dry-run';
import { inRepo } from '../../../src/base/paths';
import { chromium, describeWith } from '../../setup/peers';
import { smallInputs, smallNet } from './small-net';

/** The entry with all that it needs; esbuild fails when that is a module of Node. */
async function bundle(): Promise<string> {
  const result = await build({
    entryPoints: [inRepo('test', 'backends', 'meta', 'worker-entry.ts')],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    minify: true,
    write: false,
    logLevel: 'silent',
  });
  return result.outputFiles[0].text;
}

interface Answer {
  peak: unknown;
  ledger: LedgerJson;
  flops: unknown;
  kernels: number;
}

describeWith('chromium', 'a dry run in a worker of a browser', () => {
  it('gives the ledger that it gives in Node', async () => {
    const code = await bundle();
    const browser = await launcher.launch({ executablePath: chromium()!, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      await page.route('http://localhost/**', (route) =>
        route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>worker</title>' }),
      );
      await page.goto('http://localhost/');
      const inWorker: Answer = await page.evaluate(
        `new Promise((resolve, reject) => {
          const worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(code)}])));
          worker.onmessage = (event) => resolve(event.data);
          worker.onerror = (event) => reject(new Error(event.message));
        })`,
      );
      await cpu.open();
      const { ledger, flops } = dryRunStep(smallNet, smallInputs);
      expect(inWorker.peak).toEqual(ledger.peak());
      expect(ledgerDifferences(ledger, Ledger.fromJSON(inWorker.ledger))).toEqual([]);
      expect(inWorker.flops).toEqual(flops.total());
      expect(inWorker.kernels).toBe(flops.kernels);
    } finally {
      await browser.close();
    }
  });
});
