// PROOF.md and proven.json: what tests of the proof make anew for the backends they ran, and compare; COC_WRITE_PROOF=1 writes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { type BackendName, backendNames } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { cases } from '../../src/backends/proof/cases';
import { prove, type ProofRow } from '../../src/backends/proof/prove';
import { provenFile, provenOf } from '../../src/backends/proof/proven';
import { proofDocument, readProof, tableRows } from '../../src/backends/proof/table';

/** Every case on a backend. Fails when one is wrong, or is refused without the name of a backend to use. */
export async function proveOn(name: BackendName, proofs: Map<BackendName, ProofRow[]>): Promise<void> {
  const backend = await (await loadCandidate(name)).open({ asked: true });
  const rows = await prove(backend, cases);
  proofs.set(name, rows);
  const wrong = rows.filter(({ status }) => status === 'wrong');
  expect(wrong.map((row) => `${row.case}: ${row.message}`)).toEqual([]);
  const refused = rows.flatMap((row) => row.outcomes.filter(({ status }) => status === 'refused'));
  expect(refused.filter(({ use }) => use.length === 0).map(({ message }) => message)).toEqual([]);
}

/** The two files say of these backends what came out; of others they keep what they say. */
export function expectProofFiles(proofs: ReadonlyMap<BackendName, ProofRow[]>): void {
  const document = inRepo('src', 'backends', 'PROOF.md');
  const before = readProof(existsSync(document) ? readFileSync(document, 'utf8') : '');
  expectFile(document, proofDocument(tableRows(cases, proofs, before)));
  const known = existsSync(provenFile)
    ? (JSON.parse(readFileSync(provenFile, 'utf8')) as Record<string, string[]>)
    : {};
  const lists = backendNames.map((name) => {
    const outcomes = proofs.get(name)?.flatMap((row) => row.outcomes);
    return [name, outcomes ? provenOf(outcomes) : (known[name] ?? [])] as const;
  });
  expectFile(provenFile, JSON.stringify(Object.fromEntries(lists), null, 2) + '\n');
}

function expectFile(file: string, text: string): void {
  if (process.env.COC_WRITE_PROOF) writeFileSync(file, text);
  expect(existsSync(file) ? readFileSync(file, 'utf8') : '', `${file} (COC_WRITE_PROOF=1 writes it)`).toBe(
    text,
  );
}
