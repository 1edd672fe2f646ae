// The proof on every backend of this machine, one after the other, and its screen for `coc doctor --proof`.
import { InputError } from '../../base/errors';
import type { Long } from '../../base/progress';
import type { BackendName, Rejection } from '../backend';
import { backendNames } from '../backend';
import { loadCandidate } from '../choose';
import { guard } from '../guard';
import { cases } from './cases';
import { prove, type ProofRow } from './prove';
import { statusText } from './table';

/** What was proven on this machine. */
export interface Proofs {
  proofs: Map<BackendName, ProofRow[]>;
  /** The backends that could not be opened, and why. */
  missing: Rejection[];
}

/**
 * Run the proof on each of `names` that opens here. It takes about 10 s a backend; software adapters of WebGPU take longer.
 * @param names  the backends; all when left out
 * @throws Interrupted
 */
export async function proveAll(
  names: readonly BackendName[] = backendNames,
  long: Long = {},
): Promise<Proofs> {
  const proofs = new Map<BackendName, ProofRow[]>();
  const missing: Rejection[] = [];
  for (const name of names) {
    try {
      const candidate = await loadCandidate(name);
      const code = candidate.machineCode?.() ?? [];
      if (code.length > 0) await guard(name, code, long.signal);
      const backend = await candidate.open({ asked: true, ...long });
      proofs.set(name, await prove(backend, cases, long));
      backend.flush();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      missing.push({ name, reason: error.problem.given, fix: error.problem.fix });
    }
  }
  return { proofs, missing };
}

/** `1.2e-7`, or a dash where nothing was measured. */
const shownError = (error: number | null): string => (error === null ? '-' : error.toExponential(1));

/**
 * The proof as text: a line a case with the largest errors of values and gradients on each backend, then what is refused or
 * wrong, in words.
 */
export function proveScreen({ proofs, missing }: Proofs): string {
  const names = [...proofs.keys()];
  const width = Math.max(...cases.map(({ name }) => name.length));
  const columns = names.map((name) => name.padEnd(20)).join('  ');
  const lines = [`${'largest errors: value, gradient'.padEnd(width)}  ${columns}`];
  for (const { name } of cases) {
    const cells = names.map((backend) => {
      const row = proofs.get(backend)!.find((r) => r.case === name)!;
      const errors = `${shownError(row.valueError)}, ${shownError(row.gradientError)}`;
      return (row.status === 'right' ? errors : `${row.status}: see below`).padEnd(20);
    });
    lines.push(`${name.padEnd(width)}  ${cells.join('  ')}`.trimEnd());
  }
  for (const backend of names) {
    const rows = proofs.get(backend)!;
    const count = (status: ProofRow['status']): number => rows.filter((row) => row.status === status).length;
    lines.push(
      '',
      `${backend}: ${count('right')} of ${rows.length} cases right, ${count('refused')} refused, ${count('wrong')} wrong`,
    );
    for (const row of rows.filter(({ status }) => status !== 'right')) {
      lines.push(`  ${row.case}: ${row.status === 'wrong' ? row.message : statusText(row)}`);
    }
  }
  for (const { name, reason, fix } of missing) lines.push('', `${name} was not tried: ${reason}. ${fix}`);
  return lines.join('\n');
}
