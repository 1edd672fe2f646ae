import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash';
import { inRepo } from '../../src/base/paths';
import { copyClone } from '../../src/reproduce/rehearse';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'coc-rehearse-test-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Every file that a reproduce may write, by content. */
function contents(): Record<string, string> {
  const files = ['README.md', ...['figures', 'notebooks', 'paper'].flatMap((dir) => below(dir))];
  return Object.fromEntries(files.map((file) => [file, sha256(readFileSync(inRepo(file)))]));
}

function below(dir: string): string[] {
  return readdirSync(inRepo(dir), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(inRepo(), path.join(entry.parentPath, entry.name)));
}

const coc = (...args: string[]): string =>
  execFileSync(process.execPath, [inRepo('src', 'cli', 'coc.cjs'), 'reproduce', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: scratch, COC_CACHE: path.join(scratch, 'cache') },
  });

// The rehearsal itself takes minutes: CI does it (.ci/run), and looks that nothing changed.
describe('a rehearsal', () => {
  it('works on a copy that shares the packages and holds no earlier run', () => {
    const copy = path.join(scratch, 'copy');
    copyClone(inRepo(), copy);
    expect(readdirSync(copy)).toEqual(expect.arrayContaining(['dist', 'node_modules', 'notebooks', 'src']));
    expect(readdirSync(copy)).not.toContain('.git');
    expect(readdirSync(path.join(copy, 'figures'))).not.toContain('quick');
  });
});

describe('the command line', () => {
  const refused = (...args: string[]): string => {
    try {
      return coc(...args);
    } catch (error) {
      return (error as { stderr: string }).stderr;
    }
  };

  it('says what would run and what it takes, and writes nothing', { timeout: 60_000 }, () => {
    const before = contents();
    const why = coc('--why', '--only', '06-strides');
    expect(why).toMatch(/Studies\n {2}strides: would run, never run in mode quick here/);
    expect(why).toMatch(/Notebooks\n {2}06-strides: would run/);
    const plan = coc('--mode', 'full', '--plan', '--only', 'strides');
    expect(plan).toMatch(
      /06-strides\n {2}strides: .*\n {4}takes {4}about .* GiB of memory \(as the study states\)/,
    );
    expect(plan).toMatch(/ {4}card {5}none, a CPU does it\n/);
    expect(plan).toMatch(/ {4}data {5}BRATS.*CC-BY-NC-SA/);
    expect(contents()).toEqual(before);
  });

  it('refuses an unknown id, and what makes no sense in mode stored', { timeout: 60_000 }, () => {
    expect(refused('--only', 'stride')).toMatch(/near it are .*strides/);
    expect(refused('--mode', 'stored', '--record')).toContain('cannot record');
    expect(refused('--mode', 'stored', '--force')).toContain('cannot run anything again');
    expect(refused('--mode', 'stored', '--rehearse')).toContain('cannot rehearse');
  });
});
