// Over all tests, and over the notebooks and studies they start: a kernel or a gradient that runs without being in the
// proof's table makes the run red. Every process of ours notes what it ran (COC_TRACE_KERNELS); this compares at the end.
//
// A caller that sets COC_TRACE_KERNELS itself has earlier traces checked as well: CI does so for `npm run reproduce`.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { provenLines } from '../../src/backends/proof/proven';

/** What a test may plant: names that begin so are its own, and no model's. */
const planted = /^\S+ \w+ (custom )?planted/i;

export default function setup(): () => void {
  const given = process.env.COC_TRACE_KERNELS;
  const folder = path.resolve(given ?? '.cache/kernels');
  if (!given) rmSync(folder, { recursive: true, force: true });
  process.env.COC_TRACE_KERNELS = folder;
  return () => {
    const missing = unproven(folder, provenLines());
    if (missing.size === 0) return;
    console.error(unprovenMessage(missing));
    process.exitCode = 1;
  };
}

/**
 * What ran without proof, and where: a test file or a notebook, with the process.
 * @param folder  traces, in folders by test file or directly
 * @param proven  lines of traces
 */
export function unproven(folder: string, proven: Set<string>): Map<string, string[]> {
  const missing = new Map<string, Set<string>>();
  if (!existsSync(folder)) return new Map();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.txt')) continue;
    const file = path.join(entry.parentPath, entry.name);
    const [head, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
    const test = path.relative(folder, entry.parentPath);
    const program = head.replace(/^# /, '');
    const who = [
      test,
      program.includes('/node_modules/vitest/') ? '' : path.relative(process.cwd(), program),
    ];
    for (const line of lines) {
      if (proven.has(line) || planted.test(line)) continue;
      missing.set(line, (missing.get(line) ?? new Set()).add(who.filter(Boolean).join(', in ')));
    }
  }
  return new Map([...missing].sort().map(([line, whos]) => [line, [...whos].sort()]));
}

/** What to read when a run is red for it. */
export function unprovenMessage(missing: Map<string, string[]>): string {
  return [
    `${missing.size} ${missing.size === 1 ? 'name' : 'names'} ran without being in the proof's table (src/backends/PROOF.md):`,
    ...[...missing].flatMap(([line, whos]) => [
      `  ${line}`,
      ...whos.slice(0, 4).map((who) => `    ran in ${who}`),
      ...(whos.length > 4 ? [`    and in ${whos.length - 4} more processes`] : []),
    ]),
    'What to do: add a case to src/backends/proof/cases-*.ts that runs it and compares it with a plain reference, and',
    'write the table again (the first lines of src/backends/PROOF.md say how). A gradient is proven by the input it is',
    'taken by; a custom one needs a name: tf.tidy(NAME, ...) around it.',
  ].join('\n');
}
