// The documents at the root and the package itself say what is true.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readJson } from '../src/base/files';
import { inRepo } from '../src/base/paths';
import { describeWith, python } from './setup/peers';

const text = (file: string): string => readFileSync(inRepo(file), 'utf8');
const manifest = readJson(inRepo('package.json')) as {
  version: string;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  bin: Record<string, string>;
};

describe('the package', () => {
  it('pins exact versions and runs no install script', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies };
    for (const [name, version] of Object.entries(all)) {
      expect(`${name} ${version}`).toMatch(/ (npm:[^@]+@)?\d+\.\d+\.\d+$/);
    }
    expect(Object.keys(manifest.scripts).filter((s) => /^(pre|post)|^prepare/.test(s))).toEqual([]);
    expect(text('.npmrc')).toContain('ignore-scripts=true');
  });

  it('has a launcher that git tracks as executable', () => {
    const [file] = Object.values(manifest.bin);
    const listed = spawnSync('git', ['-C', inRepo(), 'ls-files', '-s', file], { encoding: 'utf8' });
    // Outside git (a source archive) there is nothing to ask.
    if (listed.status === 0 && listed.stdout) expect(listed.stdout).toMatch(/^100755 /);
  });

  it('has a lock that names no registry', () => {
    expect(text('package-lock.json')).not.toMatch(/"resolved"/);
  });

  it('has verbs that explain themselves quickly', () => {
    const coc = inRepo('src', 'cli', 'coc.cjs');
    const help = execFileSync(process.execPath, [coc, '--help'], { encoding: 'utf8' });
    const verbs = [...help.matchAll(/^ {2}([a-z]+) /gm)].map((m) => m[1]).filter((v) => v !== 'help');
    expect(verbs).toEqual(
      expect.arrayContaining(['reproduce', 'data', 'nifti', 'claims', 'paper', 'notebook', 'lab']),
    );
    for (const verb of verbs) {
      const own = execFileSync(process.execPath, [coc, verb, '--help'], { encoding: 'utf8' });
      const subs = [...(/Commands:\n((?: .*\n)+)/.exec(own)?.[1] ?? '').matchAll(/^ {2}([a-z]+) /gm)].map(
        (m) => m[1],
      );
      const pages = [own];
      for (const sub of subs.filter((s) => s !== 'help')) {
        pages.push(execFileSync(process.execPath, [coc, verb, sub, '--help'], { encoding: 'utf8' }));
      }
      // `kernel start` speaks Jupyter's protocol and prints nothing.
      const silent = pages.slice(subs.length > 0 ? 1 : 0).filter((p) => !p.includes('--json'));
      expect(silent.filter((p) => !p.includes('kernel start'))).toEqual([]);
    }
  });
});

describe('the documents', () => {
  it('justify each dependency', () => {
    const contributing = text('CONTRIBUTING.md');
    const missing = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      (name) =>
        !contributing.includes(name.replace(/^@types\/.*/, '@types/*').replace(/^@expo-google-fonts\//, '')),
    );
    expect(missing).toEqual([]);
  });

  it('link to files that exist', () => {
    for (const file of ['README.md', 'CONTRIBUTING.md']) {
      const targets = [...text(file).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map((m) => m[1]);
      const local = targets.filter((t) => !/^[a-z]+:/.test(t));
      expect(local.length).toBeGreaterThan(0);
      expect(local.filter((t) => !existsSync(path.join(inRepo(), t)))).toEqual([]);
    }
  });

  it('give one version', () => {
    const citation = parse(text('CITATION.cff')) as { version: string; 'cff-version': string };
    expect(citation).toMatchObject({ version: manifest.version, 'cff-version': '1.2.0' });
    expect(text('CHANGELOG.md')).toContain(`## ${manifest.version}`);
  });
});

describeWith('cffconvert', 'CITATION.cff', () => {
  it('is valid for the reference validator', () => {
    execFileSync(
      python,
      ['-c', 'from cffconvert.cli.cli import cli; cli()', '--validate', '-i', inRepo('CITATION.cff')],
      { stdio: 'pipe' },
    );
  });
});
