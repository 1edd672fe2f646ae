// A folder of results that someone else made, with something wrong planted in it.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { studyJob } from '../../src/experiments/prepare';
import { studies } from '../../src/experiments/registry';
import { drawFigures } from '../../src/reproduce/figures';
import { runAgain } from '../../src/reproduce/rerun';
import { verifiedText, verify } from '../../src/reproduce/verify';
import type { Finding, Provenance } from '../../src/results/result';
import type { Study } from '../../src/results/store';
import { loadResults, loadStudy, readStudy, recordedDir, saveStudy } from '../../src/results/store';
import { provenance } from '../plots/made-up';

const root = mkdtempSync(path.join(os.tmpdir(), 'coc-verify-test-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A study of the present code whose one number nobody has recorded. */
let study: Study;
let dir: string;
let count = 0;
const finding: Finding = {
  id: 'three-planes.a',
  title: 'A number',
  kind: 'derived',
  unit: '1',
  value: 2,
  uncertainty: null,
};
beforeAll(async () => {
  const { identity } = await studyJob(studies['three-planes'], 'quick', { head: 'a'.repeat(64) });
  const inputs = [{ name: 'head', sha256: 'a'.repeat(64) }];
  study = { study: 'three-planes', provenance: { ...provenance, identity, inputs }, findings: [finding] };
});
beforeEach(() => mkdirSync((dir = path.join(root, `${count++}`))));

const problemsWith = async (
  changes: Partial<Provenance> = {},
  findings = study.findings,
): Promise<string[]> => {
  saveStudy(dir, { ...study, provenance: { ...study.provenance, ...changes }, findings });
  return (await verify(dir)).problems;
};

describe('coc verify', () => {
  it('finds nothing wrong in results of the present code', async () => {
    saveStudy(dir, study);
    const verified = await verify(dir);
    expect(verified).toMatchObject({ studies: ['three-planes'], results: 1, problems: [], verdicts: [] });
    expect(verified.notes).toEqual([
      'no ro-crate-metadata.json: only the digests in the study files guard the folder',
    ]);
    expect(verifiedText(verified)).toContain('Nothing is wrong.');
  });

  it('finds a value that was changed by hand', async () => {
    const file = saveStudy(dir, study);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"value": 2', '"value": 3'));
    expect((await verify(dir)).problems).toEqual([
      expect.stringMatching(
        /^three-planes\.json: .*its digest does not fit: get the file again from whoever made it/,
      ),
    ]);
  });

  it('finds an identity that was put together, and an input that is another file', async () => {
    const { identity } = study.provenance;
    expect(await problemsWith({ identity: { ...identity, data: {} } })).toEqual([
      expect.stringContaining('its identity does not fit its own hash') as string,
    ]);
    const inputs = [{ name: 'head', sha256: 'b'.repeat(64) }];
    expect(await problemsWith({ inputs })).toEqual([
      'three-planes: head is another file in its inputs than in its identity; run the study again',
    ]);
  });

  it('names the modules of other code, and the commit to verify with', async () => {
    const { identity } = study.provenance;
    const modules = { ...identity.modules, 'src/sampling/plane.ts': 'other' };
    const other = { ...identity, hash: 'other', code: 'other', modules };
    const [, problem] = await problemsWith({ identity: other });
    expect(problem).toMatch(
      /^three-planes: not of this code: src\/sampling\/plane\.ts changed; verify it with commit abcdef/,
    );
  });

  it('finds a study that is not here, and a file under another name', async () => {
    saveStudy(dir, { ...study, study: 'gone' });
    cpSync(path.join(dir, 'gone.json'), path.join(dir, 'three-planes.json'));
    expect((await verify(dir)).problems).toEqual([
      'three-planes.json holds the study gone: name the file after its study',
      expect.stringContaining('gone: this code has no such study'),
    ]);
    await expect(verify(root)).rejects.toThrow('no study file in it');
  });

  it('compares values with the record: a computed one that differs is wrong, a verdict that turns is told', async () => {
    const recorded = loadStudy(recordedDir(), 'pixels');
    const id = 'pixels.interpolated.study.coronal';
    const findings = recorded.findings.map((f) => (f.id === id ? { ...f, value: 0.1 } : f));
    saveStudy(dir, { ...recorded, findings });
    const { problems, verdicts, drift } = await verify(dir);
    expect(problems).toContainEqual(expect.stringContaining(`${id} (derived) differs from our record: 0.`));
    expect(drift.lines[0]).toMatchObject({ id, class: 'unexplained' });
    expect(verdicts).toContainEqual({
      id: 'phantom-pixels',
      theirs: 'not reproduced',
      ours: 'reproduced under a condition',
    });
  });

  it('draws figures that lie beside the results again, byte for byte', async () => {
    const recorded = readStudy(inRepo('figures', 'recorded', 'three-planes.json'));
    saveStudy(dir, { ...study, findings: recorded.findings });
    await drawFigures(loadResults(dir), { dir, draws: () => true });
    const svg = path.join(dir, 'three-planes-slices.svg');
    expect(await verify(dir)).toMatchObject({ figures: 2, problems: [] });
    writeFileSync(svg, readFileSync(svg, 'utf8').replace('</svg>', ' </svg>'));
    const { figures, problems } = await verify(dir);
    expect({ figures, problems }).toEqual({
      figures: 1,
      problems: [expect.stringContaining('three-planes-slices.svg is not what the results draw')],
    });
  });

  it('runs studies that measure no time again', { timeout: 60_000 }, async () => {
    const [problems, notes]: string[][] = [[], []];
    const timed = { ...study, study: 'plane-reads' };
    expect(await runAgain([study, timed], problems, notes, {})).toEqual(['three-planes']);
    expect(notes).toEqual(['plane-reads measures time and is not run again']);
    expect(problems).toEqual([
      'three-planes.a does not come out here',
      'three-planes.slices comes out here and is not in the folder',
    ]);
  });
});
