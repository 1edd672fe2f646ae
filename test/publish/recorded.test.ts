import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { loadRegister } from '../../src/claims/register';
import { judgeAll } from '../../src/claims/verdict';
import type { PaperOutput } from '../../src/publish/paper';
import { formats } from '../../src/plots/write-figure';
import { paperResults, writeFigureOne } from '../../src/publish/recorded';

it('coc paper --json sets the recorded results, and every verdict that they give', () => {
  const out = mkdtempSync(path.join(os.tmpdir(), 'recorded-'));
  const stdout = execFileSync(
    process.execPath,
    [inRepo('src/cli/coc.cjs'), 'paper', '--json', '--out', out],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const built = JSON.parse(stdout) as PaperOutput;
  expect(built.pdf).toBe(path.join(out, 'paper.pdf'));
  const html = readFileSync(built.html, 'utf8');
  for (const { claim, verdict } of judgeAll(loadRegister(), paperResults())) {
    const row = new RegExp(
      `<tr data-verdict="${verdict}">\\s*<th scope="row" id="claim-${claim.id.replaceAll('.', '\\.')}">`,
    );
    expect(html).toMatch(row);
  }
});

it('writes Figure 1 in every form', async () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'figure-1-'));
  const files = await writeFigureOne(paperResults(), dir);
  expect(files.map((f) => path.basename(f))).toEqual(formats.map((f) => `architecture.${f}`));
  for (const file of files) expect(readFileSync(file).length).toBeGreaterThan(1000);
});
