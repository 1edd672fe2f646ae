// The crate of recorded results: written, judged by programs that are not ours, and each kind of damage named.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { checkCrate, writeCrate } from '../../src/publish/ro-crate';
import type { Crate, Entity } from '../../src/publish/crate-graph';
import { loadStudy, recordedDir, saveStudy } from '../../src/results/store';
import { describeWith, python } from '../setup/peers';

const base = mkdtempSync(path.join(os.tmpdir(), 'coc-crate-'));
const whole = path.join(base, 'whole');
let dir = '';
let count = 0;

/** The tracked figures: studies, SVG, PNG. */
function copyFigures(to: string): void {
  const tracked = (source: string): boolean =>
    !path.relative(inRepo('figures'), source).startsWith('quick') &&
    !/ro-crate-metadata|\.(?:pdf|html|csv|tmp|js)$|figures[\\/][^\\/]+\.json$/.test(source);
  cpSync(inRepo('figures'), to, { recursive: true, filter: tracked });
}

const crateIn = (folder: string): Crate =>
  JSON.parse(readFileSync(path.join(folder, 'ro-crate-metadata.json'), 'utf8')) as Crate;
const file = (name: string): string => path.join(dir, name);

/** Change what the crate of `dir` says. */
function forge(change: (find: (id: string) => Entity, crate: Crate) => void): void {
  const crate = crateIn(dir);
  change((id) => crate['@graph'].find((entity) => entity['@id'] === id)!, crate);
  writeFileSync(file('ro-crate-metadata.json'), JSON.stringify(crate));
}

beforeAll(() => {
  copyFigures(whole);
  writeCrate(whole);
});
beforeEach(() => {
  dir = path.join(base, `${count++}`);
  cpSync(whole, dir, { recursive: true });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('a crate', () => {
  it('describes every run with its code, data, device, times, results, and every file with its hash', () => {
    const entities = new Map(crateIn(whole)['@graph'].map((entity) => [entity['@id'], entity]));
    const { provenance } = loadStudy(recordedDir(), 'strides');
    const run = entities.get('#run-strides')!;
    expect(run['@type']).toBe('CreateAction');
    const instrument = entities.get((run.instrument as Entity)['@id'])!;
    expect(instrument.version).toBe(`${provenance.commit}${provenance.dirty ? ' with changes' : ''}`);
    expect(instrument.license).toEqual({ '@id': 'https://opensource.org/license/mit' });
    expect(Date.parse(run.endTime as string)).toBe(Date.parse(provenance.date));
    const seconds = (Date.parse(run.endTime as string) - Date.parse(run.startTime as string)) / 1000;
    expect(seconds).toBeCloseTo(provenance.cost.seconds, 3);
    expect(run.result).toEqual(
      [
        'recorded/strides.json',
        'strides-ladder.svg',
        'strides-ladder.png',
        'strides-figure.svg',
        'strides-figure.png',
        'strides-apportioned.svg',
        'strides-apportioned.png',
      ].map((id) => ({ '@id': id })),
    );
    const told = [run.object, run.additionalProperty, run.resourceUsage]
      .flat()
      .map((one) => entities.get((one as Entity)['@id'])!);
    expect(told.find((one) => one.name === 'mode')?.value).toBe(provenance.mode);
    expect(told.find((one) => one.name === 'device')?.value).toContain(provenance.device.cpu);
    expect(told.find((one) => one.name === 'seconds')?.value).toBe(provenance.cost.seconds);
    for (const { name, sha256 } of provenance.inputs) {
      const input = told.find((one) => one.name === name)!;
      expect(input.sha256).toBe(sha256);
      expect(input.license).toBeTruthy();
    }
    const figure = entities.get('architecture.svg')!;
    expect(figure).toMatchObject({
      isBasedOn: { '@id': 'recorded/three-planes.json' },
      encodingFormat: 'image/svg+xml',
    });
    expect(figure.license).toEqual({ '@id': 'https://creativecommons.org/licenses/by/4.0/' });
    expect(checkCrate(whole)).toEqual([]);
  });

  it('is the same to the byte when written again, in another folder', () => {
    const before = readFileSync(file('ro-crate-metadata.json'));
    rmSync(file('ro-crate-metadata.json'));
    writeCrate(dir);
    expect(readFileSync(file('ro-crate-metadata.json')).equals(before)).toBe(true);
  });

  it('describes a folder of studies alone, too', () => {
    const studies = path.join(dir, 'recorded');
    writeCrate(studies);
    expect(checkCrate(studies)).toEqual([]);
    expect(crateIn(studies)['@graph'].some((entity) => entity['@id'] === 'strides.json')).toBe(true);
    // The crate lies among the studies and is not taken for one.
    expect(() => writeCrate(studies)).not.toThrow();
  });

  it('wants studies', () => {
    const empty = path.join(base, 'empty');
    mkdirSync(empty, { recursive: true });
    expect(() => writeCrate(empty)).toThrow(/no study file[^]*npm run reproduce -- --record/);
  });
});

describe('a check finds', () => {
  it('nothing wrong with what every reproduce draws anew beside the record', () => {
    writeFileSync(file('strides-figure.pdf'), 'drawn anew');
    writeFileSync(file('architecture.csv'), 'drawn anew');
    mkdirSync(file('quick/results'), { recursive: true });
    writeFileSync(file('quick/results/strides.json'), '{}');
    expect(checkCrate(dir)).toEqual([]);
  });

  it('a changed file: one digit of a result, one pixel of a picture', () => {
    const text = readFileSync(file('recorded/strides.json'), 'utf8');
    writeFileSync(
      file('recorded/strides.json'),
      text.replace(/"value": (\d)/, (_, d) => `"value": ${(Number(d) + 1) % 10}`),
    );
    const png = readFileSync(file('architecture.png'));
    png[png.length - 20] ^= 1;
    writeFileSync(file('architecture.png'), png);
    const problems = checkCrate(dir);
    expect(problems).toHaveLength(2);
    expect(problems.join('\n')).toMatch(
      /recorded\/strides\.json was changed after it was recorded \(SHA-256 \w{12}, recorded \w{12}\): get the file again/,
    );
    expect(problems.join('\n')).toContain('architecture.png was changed');
  });

  it('a missing and an extra file', () => {
    renameSync(file('recorded/pixels.json'), file('recorded/other.json'));
    writeFileSync(file('unknown.pdf'), '');
    expect(checkCrate(dir)).toEqual([
      expect.stringMatching(/^recorded\/pixels\.json is missing: get the file again/),
      expect.stringMatching(/^recorded\/other\.json is in the folder and not in its description: remove it/),
      expect.stringMatching(/^unknown\.pdf is in the folder and not in its description/),
    ]);
  });

  it('a study whose run was recorded again, with the description of the old one', () => {
    const study = loadStudy(file('recorded'), 'strides');
    study.provenance.mode = 'full';
    saveStudy(file('recorded'), study);
    // The maker of the folder mends the hash, and forgets what the run says.
    const fresh = writeAside();
    forge((find) => (find('recorded/strides.json').sha256 = fresh));
    expect(checkCrate(dir)).toEqual([
      'ro-crate-metadata.json tells another mode of the run of strides than recorded/strides.json (quick, not full): restore it from git, or describe the folder again (`npm run reproduce -- --record`)',
    ]);
  });

  it('a forged run: another commit, another end, other data', () => {
    forge((find) => {
      const run = find('#run-three-planes');
      run.endTime = '2020-01-01T00:00:00.000+00:00';
      find((run.instrument as Entity)['@id']).version = 'f'.repeat(40);
      find((run.object as Entity[])[1]['@id']).sha256 = '0'.repeat(64);
    });
    const problems = checkCrate(dir).join('\n');
    for (const fact of ['end', 'commit', 'data']) {
      expect(problems).toContain(`tells another ${fact} of the run of three-planes`);
    }
  });

  it('a description that is gone, cut off, empty, of another kind, or with loose ends', () => {
    const says = (content: string | undefined): string[] => {
      if (content === undefined) rmSync(file('ro-crate-metadata.json'));
      else writeFileSync(file('ro-crate-metadata.json'), content);
      return checkCrate(dir);
    };
    const text = readFileSync(file('ro-crate-metadata.json'), 'utf8');
    const crate = crateIn(dir);
    for (const content of [
      text.slice(0, 1000),
      '{}',
      '[]',
      '{"@graph": [{"@type": "File"}]}',
      JSON.stringify({ ...crate, '@graph': 3 }),
    ]) {
      expect(says(content), content.slice(0, 60)).toEqual([
        expect.stringMatching(
          /^ro-crate-metadata\.json is no RO-Crate \(.+\): restore it from git, or describe/,
        ),
      ]);
    }
    expect(says('{"@context": [], "@graph": []}')[0]).toContain('does not describe ro-crate-metadata.json');
    expect(says(text.replace('ro/crate/1.1"', 'ro/crate/0.9"'))).toContainEqual(
      expect.stringContaining('"conformsTo": https://w3id.org/ro/crate/1.1'),
    );
    expect(says(text.replace('"@id": "#run-strides"', '"@id": "#run-other"'))).toContainEqual(
      expect.stringContaining('names #run-other as mentions, which it does not describe'),
    );
    const twice = { ...crate, '@graph': [...crate['@graph'], crate['@graph'][5]] };
    expect(says(JSON.stringify(twice))[0]).toContain('describes one thing twice');
    expect(says(undefined)).toEqual([
      expect.stringMatching(/^ro-crate-metadata\.json is missing: restore it/),
    ]);
  });

  it('files that lie outside, and files without a hash', () => {
    forge((find, crate) => {
      delete find('pixels-ledger.svg').sha256;
      for (const id of ['../secret', '/etc/passwd', 'file:///etc/passwd', '%2e%2e/secret', '%E0%A4%A']) {
        crate['@graph'].push({ '@id': id, '@type': 'File', sha256: '0'.repeat(64) });
      }
    });
    const problems = checkCrate(dir);
    expect(problems.filter((problem) => problem.includes('which is no file inside the folder'))).toHaveLength(
      5,
    );
    expect(problems).toContainEqual(expect.stringContaining('gives no SHA-256 for pixels-ledger.svg'));
  });
});

/** The hash that a crate of `dir` would give recorded/strides.json now. */
function writeAside(): string {
  const aside = path.join(base, 'aside');
  cpSync(dir, aside, { recursive: true });
  writeCrate(aside);
  return crateIn(aside)['@graph'].find((entity) => entity['@id'] === 'recorded/strides.json')!
    .sha256 as string;
}

describeWith('ro-crate', 'roc-validator and rocrate', () => {
  const judge = (folder: string, severity: string): { issues: string[]; files: string[]; actions: object } =>
    JSON.parse(
      execFileSync(python, [path.join(__dirname, 'crate_valid.py'), folder, severity], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ) as { issues: string[]; files: string[]; actions: object };

  it('find a valid RO-Crate 1.1 and Process Run Crate 0.5 with all files and runs', () => {
    const { issues, files, actions } = judge(whole, 'RECOMMENDED');
    // What is recommended and not given: addresses of a repository and of people, of which there are none to give.
    expect(
      issues.filter((issue) => !/SHOULD have a url|SHOULD have a URL|SHOULD be an absolute URI/.test(issue)),
    ).toEqual([]);
    expect(files).toContain('recorded/strides.json');
    expect(Object.keys(actions)).toContain('#run-strides');
  });

  it('find the fault in a crate without an instrument', () => {
    forge((find) => delete find('#run-strides').instrument);
    expect(judge(dir, 'REQUIRED').issues.join('\n')).toContain('MUST have an instrument');
  });
});
