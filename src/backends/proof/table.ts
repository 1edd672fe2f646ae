// The proof's table as text: PROOF.md.
import { type BackendName, backendNames } from '../backend';
import type { Family, OpCase } from './case';
import type { Outcome, ProofRow } from './prove';

/** One line of PROOF.md, as text: what a test compares and what is kept of backends that a machine lacks. */
export interface TableRow {
  name: string;
  family: Family;
  settings: number;
  kernels: string[];
  backwardKernels: string[];
  gradientKernels: string[];
  status: Record<BackendName, string>;
  tolerance: number;
}

/** `right`; `refused: use wasm`; `gradient refused in 2 of 5: use cpu`; `WRONG in 1 of 3`. */
export function statusText(row: ProofRow): string {
  const settings = new Set(row.outcomes.map(({ setting }) => setting)).size;
  const several = (outcomes: Outcome[]): string => {
    const n = new Set(outcomes.map(({ setting }) => setting)).size;
    return n === settings ? '' : ` in ${n} of ${settings}`;
  };
  const wrong = row.outcomes.filter(({ status }) => status === 'wrong');
  if (wrong.length > 0) return `WRONG${several(wrong)}`;
  const refused = row.outcomes.filter(({ status }) => status === 'refused');
  if (refused.length === 0) return 'right';
  const part = refused.every((o) => o.part === 'gradient') ? 'gradient refused' : 'refused';
  return `${part}${several(refused)}: use ${[...new Set(refused.flatMap(({ use }) => use))].join(' or ') || 'NOTHING'}`;
}

const head = `# Proof of the operations

Every operation that the project calls, on every backend, in several shapes each: its values against plain loops in float64
(\`proof/reference/\`), and its gradients against central differences of those loops. The loops in turn agree with PyTorch in
float64 (\`test/oracles/ops.json\`). After each, every tensor must be freed and every input as it was.

This file is written by \`test/backends/proof.test.ts\` and compared by it; \`COC_WRITE_PROOF=1\` writes it anew. A backend that
a machine lacks keeps its column. \`coc doctor --proof\` runs the proof on the machine it is called on and prints the errors.

How to read it: **right** means that every setting is within the tolerance, the largest |difference| / (|true value| + root
mean square of the true values). **refused** means that the operation, or its gradient, throws an error that names the backend
to use: never a wrong number. *Kernels* are TensorFlow.js's names of what ran forward, and after a plus what else ran
backward; *gradients* are those that were taken, by input.
`;

const cell = (names: readonly string[]): string => names.join(', ') || '-';

/** PROOF.md. */
export function proofDocument(rows: readonly TableRow[]): string {
  const parts = [head];
  for (const family of [...new Set(rows.map((row) => row.family))]) {
    const own = rows.filter((row) => row.family === family);
    parts.push(
      `## ${family[0].toUpperCase()}${family.slice(1)}\n`,
      `| Case | Settings | Kernels | Gradients | ${backendNames.join(' | ')} | Tolerance |`,
      `|---|---|---|---|${backendNames.map(() => '---|').join('')}---|`,
      ...own.map((row) => {
        const kernels =
          cell(row.kernels) + (row.backwardKernels.length > 0 ? ` + ${cell(row.backwardKernels)}` : '');
        const statuses = backendNames.map((name) => row.status[name]).join(' | ');
        return `| ${row.name} | ${row.settings} | ${kernels} | ${cell(row.gradientKernels)} | ${statuses} | ${row.tolerance} |`;
      }),
      '',
    );
  }
  return parts.join('\n');
}

/** What a PROOF.md says: rows by case. A line that is no row is passed over. */
export function readProof(text: string): Map<string, TableRow> {
  const rows = new Map<string, TableRow>();
  let family = '';
  const list = (names: string): string[] => (names === '-' || !names ? [] : names.split(', '));
  for (const line of text.split('\n')) {
    if (line.startsWith('## ')) family = line.slice(3).toLowerCase();
    const cells = line.split(' | ').map((text) => text.replace(/^\| | \|$/g, ''));
    if (!line.startsWith('| ') || cells.length !== 9 || cells[0] === 'Case') continue;
    const [name, settings, kernels, gradients, ...rest] = cells;
    const [forward, backward] = kernels.split(' + ');
    rows.set(name, {
      name,
      family: family as Family,
      settings: Number(settings),
      kernels: list(forward),
      backwardKernels: list(backward),
      gradientKernels: list(gradients),
      status: Object.fromEntries(backendNames.map((backend, k) => [backend, rest[k]])) as TableRow['status'],
      tolerance: Number(rest[4]),
    });
  }
  return rows;
}

/**
 * The table of this machine: statuses of the backends that ran, those of the others as they were. The names of kernels are
 * those of the cpu backend: what an operation calls does not hang on the backend.
 */
export function tableRows(
  cases: readonly OpCase[],
  proofs: ReadonlyMap<BackendName, readonly ProofRow[]>,
  before: ReadonlyMap<string, TableRow>,
): TableRow[] {
  return cases.map(({ name, family, checks, tolerance }) => {
    const rowOf = (backend: BackendName): ProofRow | undefined =>
      proofs.get(backend)?.find((row) => row.case === name);
    const status = (backend: BackendName): string => {
      const row = rowOf(backend);
      return row ? statusText(row) : (before.get(name)?.status[backend] ?? 'not tried');
    };
    const names = rowOf('cpu') ?? before.get(name);
    return {
      name,
      family,
      settings: checks.length,
      kernels: names?.kernels ?? [],
      backwardKernels: names?.backwardKernels ?? [],
      gradientKernels: names?.gradientKernels ?? [],
      status: Object.fromEntries(
        backendNames.map((backend) => [backend, status(backend)]),
      ) as TableRow['status'],
      tolerance,
    };
  });
}
