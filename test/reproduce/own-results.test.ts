// Own results beside the record: only what the present code made, and never near a verdict.
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { studyJob } from '../../src/experiments/prepare';
import { studies } from '../../src/experiments/registry';
import { ownResults } from '../../src/reproduce/own-results';
import { loadStudy, recordedDir, saveStudy } from '../../src/results/store';

describe('own results', () => {
  const folder = (): string => mkdtempSync(path.join(os.tmpdir(), 'coc-own-'));

  it('are those of the present code; a stale one is left out by name', { timeout: 60_000 }, async () => {
    const dir = folder();
    const recorded = loadStudy(recordedDir(), 'plane-agreement');
    const { identity } = await studyJob(
      studies['plane-agreement'],
      'quick',
      recorded.provenance.identity.data,
    );
    saveStudy(dir, { ...recorded, provenance: { ...recorded.provenance, mode: 'quick', identity } });
    const reads = loadStudy(recordedDir(), 'plane-reads');
    const old = { ...reads.provenance.identity, code: '0'.repeat(64), hash: '0'.repeat(64) };
    saveStudy(dir, { ...reads, provenance: { ...reads.provenance, identity: old } });
    saveStudy(dir, { ...reads, study: 'gone', findings: [] });
    const { results, stale } = await ownResults(dir);
    expect(stale).toEqual(['gone', 'plane-reads']);
    expect([...results.values()].every((r) => r.study === 'plane-agreement' && r.origin === 'fresh')).toBe(
      true,
    );
    expect(results.size).toBe(recorded.findings.length);
  });

  it('are none where nothing was run', async () => {
    expect(await ownResults(path.join(folder(), 'nowhere'))).toEqual({ results: new Map(), stale: [] });
  });
});
