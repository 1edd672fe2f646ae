// Results that the present code did not make: planted, and caught.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { studyJob } from '../../src/experiments/prepare';
import { studies } from '../../src/experiments/registry';
import { inputName } from '../../src/experiments/study';
import { loadManifest } from '../../src/datasets/manifest';
import {
  changedOf,
  outdatedRecord,
  outdatedText,
  requirePresentQuick,
  requirePresentRecord,
} from '../../src/reproduce/present';
import type { Identity } from '../../src/results/result';
import { saveStudy } from '../../src/results/store';
import { boundResults } from '../../src/publish/bound';
import { provenance } from '../plots/made-up';

const root = mkdtempSync(path.join(os.tmpdir(), 'coc-present-'));
afterAll(() => rmSync(root, { recursive: true }));

/** The data as the manifests have it. */
const data = Object.fromEntries(
  studies['three-planes'].needs.map((need) => [
    inputName(need),
    loadManifest(need.dataset).files.find((f) => f.path === need.path)!.sha256!,
  ]),
);
const [flair] = Object.keys(data);

let dir: string;
let count = 0;
let present: Identity;
beforeEach(async () => {
  dir = path.join(root, `${count++}`);
  present = (await studyJob(studies['three-planes'], 'quick', data)).identity;
});

/** Plant a result whose run depended on something else. */
function plant(changes: Partial<Identity> = {}, study = 'three-planes'): string {
  const identity = { ...present, ...changes, ...(Object.keys(changes).length > 0 && { hash: 'earlier' }) };
  const finding = { id: `${study}.a`, title: 'A number', kind: 'derived' as const, unit: '1', value: 2 };
  return saveStudy(dir, {
    study,
    provenance: { ...provenance, mode: 'quick', identity },
    findings: [{ ...finding, uncertainty: null }],
  });
}
const module = 'src/sampling/gather.ts';
const earlierCode = (): Partial<Identity> => ({
  code: 'earlier',
  modules: { ...present.modules, [module]: 'earlier' },
});

describe('quick results', () => {
  it('stand where the present code made them', async () => {
    await requirePresentQuick(dir); // none yet
    plant();
    await requirePresentQuick(dir);
  });

  it('fail the build when they are stale, with the module and what to do', async () => {
    plant(earlierCode());
    await expect(requirePresentQuick(dir)).rejects.toThrow(
      /stale quick results in .*: given three-planes \(src\/sampling\/gather\.ts changed\), expected .* What to do: run them again with `npm run reproduce`, or delete the folder/,
    );
    // Those that were not asked for do not count.
    await requirePresentQuick(dir, (study) => study === 'three-planes');
  });

  it('are stale after a change of spec, data, packages or backend, too', async () => {
    for (const [changes, text] of [
      [{ spec: 'earlier' }, 'spec changed'],
      [{ data: { ...data, [flair]: 'a'.repeat(64) } }, `data ${flair} changed`],
      [{ packages: { ...present.packages, 'node_modules/zod': '3.0.0 x' } }, 'package zod 3.0.0 -> '],
      [{ backend: { wasm: '4.0.0' } }, 'backend: wasm 4.0.0 -> none'],
    ] as const) {
      plant(changes);
      await expect(requirePresentQuick(dir)).rejects.toThrow(text);
    }
  });

  it('of a study that is gone are stale', async () => {
    plant({}, 'gone');
    await expect(requirePresentQuick(dir)).rejects.toThrow('gone (there is no such study any more)');
  });

  it('that were tampered with are refused', async () => {
    const file = plant();
    writeFileSync(file, readFileSync(file, 'utf8').replace('"value": 2', '"value": 1'));
    await expect(requirePresentQuick(dir)).rejects.toThrow('its digest does not fit');
  });
});

describe('recorded results', () => {
  it('whose code, spec or data changed are told, marked in the paper, and refused with --strict', async () => {
    plant(earlierCode());
    const outdated = await outdatedRecord(dir);
    expect(outdated).toEqual([
      { study: 'three-planes', commit: provenance.commit, changes: [`${module} changed`] },
    ]);
    expect(outdatedText(outdated[0])).toBe(`three-planes: changed since abcdef0123: ${module} changed`);
    expect(() => requirePresentRecord(outdated)).toThrow(
      /--strict\): given three-planes: changed since .* What to do: record them anew with `npm run reproduce -- --record`/,
    );
    const result = {
      ...{ id: 'three-planes.a', title: 'A number', kind: 'derived' as const, unit: '1', value: 2 },
      ...provenance,
      ...{ uncertainty: null, study: 'three-planes', origin: 'stored' as const },
    };
    const bound = boundResults([result, { ...result, id: 'b.a', study: 'b' }], changedOf(outdated));
    expect(bound.numbers['three-planes.a'].origin).toContain('; code changed since abcdef0123');
    expect(bound.studies['three-planes'].changed).toBe(`${module} changed`);
    const many = new Map([['b', Array.from({ length: 9 }, (_, i) => `module ${i} changed`)]]);
    const crowded = boundResults([{ ...result, id: 'b.a', study: 'b' }], many);
    expect(crowded.studies.b.changed).toMatch(/module 4 changed and 4 more$/);
    expect(bound.numbers['b.a'].origin).not.toContain('changed');
  });

  it('are not outdated by a package or a backend: these explain drift', async () => {
    plant({ packages: {}, backend: { wasm: '4.0.0' } });
    const outdated = await outdatedRecord(dir);
    expect(outdated).toEqual([]);
    requirePresentRecord(outdated);
  });

  it('are outdated by a manifest that names other data, not by data that could not be had', async () => {
    plant({ data: { ...data, [flair]: 'a'.repeat(64) } });
    expect((await outdatedRecord(dir))[0].changes).toEqual([`data ${flair} changed`]);
    plant({ data: { ...data, [flair]: 'missing' } });
    expect(await outdatedRecord(dir)).toEqual([]);
  });
});
