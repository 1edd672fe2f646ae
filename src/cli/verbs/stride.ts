// `coc stride`: what reading the planes of a volume touches, should cost, does cost, and can be of a training step.
import { Option } from 'commander';
import type { Command } from 'commander';
import { InputError } from '../../base/errors';
import { formatBytes } from '../../base/progress';
import { formatQuantity } from '../../results/format';
import type { Finding } from '../../results/result';
import { jsonOption, print, terminal } from '../output';

interface Flags {
  layout?: string[];
  voxels?: number;
  cache: 'stated' | 'here';
  json?: boolean;
}

function count(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= 2) return n;
  throw new InputError({
    what: 'cannot take --voxels',
    given: `"${text}"`,
    expected: 'a whole number from 2 on',
    fix: 'for example --voxels 30',
  });
}

export function define(command: Command): void {
  command
    .argument('<file>', 'a .nii, .nii.gz, .hdr or .img file')
    .option('--layout <names...>', 'orders in memory to profile: file, copies, bricks (default: all three)')
    .option('--voxels <n>', 'voxels whose planes are timed cold and warm (default: 30)', count)
    .addOption(
      new Option('--cache <which>', 'caches to simulate: a stated server CPU, or the ones of this machine')
        .choices(['stated', 'here'])
        .default('stated'),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
For each layout and plane: bytes, runs, cache lines and pages touched; the time that a memory model of this machine
predicts, and the measured time, cold (nothing in a cache) and warm; simulated cache misses, and the hardware's counters
where perf can read them; voxels in random and in sorted order; opening the file for every sample; and what all this can
be of a training step. Takes about half a minute and 1 GB of memory for a brain of 1 mm voxels.

Examples:
  coc stride brain.nii.gz
  coc stride brain.nii.gz --layout file bricks --voxels 100 --json`,
    )
    .action(profile);
}

async function profile(file: string, flags: Flags): Promise<void> {
  const { findStrides, strides } = await import('../../experiments/strides.js');
  const { statedHierarchy } = await import('../../profilers/cache.js');
  const { hierarchyHere } = await import('../../profilers/cache-here.js');
  const { readNifti } = await import('../../volume/nifti.js');
  const layouts = await layoutsOf(flags.layout);
  const hierarchy = flags.cache === 'here' ? hierarchyHere() : statedHierarchy;
  if (!hierarchy) {
    throw new InputError({
      what: 'cannot simulate the caches of this machine',
      given: 'a system that does not describe them under /sys',
      expected: 'Linux with readable cache folders',
      fix: 'leave out --cache here: stated caches are simulated then',
    });
  }
  const long = terminal(flags);
  const volume = await readNifti(file, long);
  const spec = { ...strides.specs.quick, ...(flags.voxels && { voxels: flags.voxels }) };
  const { findings, notes } = await findStrides(volume, spec, { file, layouts, hierarchy }, long);
  const numbers = findings.filter((f) => f.figure === undefined);
  const { dims, data } = volume;
  const value = { file, dims, bytes: data.byteLength, caches: hierarchy.source, notes, findings: numbers };
  const head = `${file}: ${dims.join(' x ')} voxels, ${formatBytes(data.byteLength)} in memory`;
  print(
    flags,
    value,
    [head, ...(await asText(numbers)), `Caches simulated: ${hierarchy.source}`, ...notes].join('\n\n'),
  );
}

async function layoutsOf(names: string[] | undefined) {
  const { layoutNames } = await import('../../sampling/layout.js');
  return [...new Set(names ?? layoutNames)].map((name) => {
    const known = layoutNames.find((n) => n === name);
    if (known) return known;
    throw new InputError({
      what: 'cannot take --layout',
      given: name,
      expected: layoutNames.join(', '),
      fix: 'name one or more of these, with spaces between',
    });
  });
}

/** Numbers that stand in no table, by the end of their ids. */
const single =
  /^strides\.(copy|latency|independent|parallelism|model-error|model-worst|sorted-over-random|triple|extra-bytes|anew-over-kept|factor|explained|slowdown-for-third)\b/;

async function asText(findings: Finding[]): Promise<string[]> {
  const { tableText } = await import('../../plots/tables.js');
  const tables = findings.flatMap((f) => (f.table ? `${f.title}\n${tableText(f.table)}` : []));
  const lines = findings.flatMap((f) =>
    f.value !== undefined && single.test(f.id)
      ? `${f.title}: ${formatQuantity(f.value, f.unit)} (${f.kind === 'paper' ? 'published' : f.kind})`
      : [],
  );
  return [...tables, lines.join('\n')];
}
