// The study's sentence, executed: that one view needs about 6 GB and three about 18, so that a card of 16 GB fails. One training step
// of SAM ViT-H with adapters at 1024 px, on a processor: by PyTorch with one plane and with three under one limit, by us with three
// planes under the study's figure for one, and by the plain tape of TensorFlow.js. Every run is a process of its own.
//
// Weights are random: memory does not depend on them, and all stacks compute with the same.
import { readFileSync } from 'node:fs';
import { sha256 } from '../base/hash';
import { inRepo } from '../base/paths';
import { Meter } from '../base/progress';
import { cards } from '../profilers/cards';
import type { Drawn } from './executed-step-files';
import type { Executed, OurRequest } from './executed-step-ours';
import { Findings } from './findings';
import type { RunLong, StudyDefinition, StudyOutcome } from './study';
import { sweepStudy } from './study';

const GiB = 2 ** 30;

/** What is run, in this order. */
const runs = ['ours-three', 'torch-checkpointed', 'torch-one', 'torch-three', 'tape-one'] as const;
type Run = (typeof runs)[number];

interface Spec {
  drawn: Drawn;
  /** How our three planes get their gradient. */
  policy: string;
  /** GiB. Of our allocator for three planes; of it for the plain tape; of PyTorch's address space. */
  limits: { ours: number; tape: number; torch: number };
}

interface Sub extends Spec {
  run: Run;
}

/** What one process did. */
interface Part {
  run: Run;
  fits: boolean | null;
  error: string | null;
  limitGiB: number | null;
  /** Of the step; of all until it failed. */
  seconds: number;
  /** Most bytes inside TensorFlow's allocator. */
  insideBytes: number | null;
  /** Most address space beyond Python and PyTorch themselves. */
  addressBytes: number | null;
  /** Most resident memory of the process. */
  residentBytes: number | null;
  /** By dry run, weights and all. */
  dryBytes: number | null;
  executed: Executed | null;
  versions: Record<string, string>;
}

const titles: Record<Run, string> = {
  'ours-three': 'ours, three planes',
  'torch-checkpointed': 'PyTorch, three planes, blocks computed again (the reference of gradients)',
  'torch-one': 'PyTorch, one plane, one graph',
  'torch-three': 'PyTorch, three planes, one graph',
  'tape-one': "TensorFlow.js's plain tape, one plane",
};

/** Blocks whose gradients are compared: the first and the last. */
const comparedBlocks = ({ model }: Drawn): number[] => [0, depths[model] - 1];
const depths: Record<Drawn['model'], number> = {
  'sam-vit-h': 32,
  'sam-vit-b': 12,
  'tiny-64': 6,
  'tiny-128': 12,
};

export const executedStep: StudyDefinition<Spec, Sub, Part> = sweepStudy({
  id: 'executed-step',
  title: 'One training step, really run under limits of memory',
  module: 'experiments/executed-step',
  name: 'executedStep',
  needs: [],
  specs: {
    tiny: {
      drawn: { model: 'tiny-64', size: 64, rank: 4, seed: 1 },
      policy: 'per-plane+recompute+lean+chunked',
      limits: { ours: 0.1, tape: 0.04, torch: 1 },
    },
    quick: {
      drawn: { model: 'tiny-128', size: 128, rank: 4, seed: 1 },
      policy: 'per-plane+recompute+lean+chunked',
      limits: { ours: 0.25, tape: 0.25, torch: 1 },
    },
    full: {
      drawn: { model: 'sam-vit-h', size: 1024, rank: 4, seed: 1 },
      // Without per-plane the dry run stays below the limit as well (5.60 GiB), and the arithmetic is a sixth less; but the
      // allocator then loses too much to fragments, and the step runs out of memory (seen on 2026-11-23).
      policy: 'per-plane+recompute+lean+chunked',
      limits: { ours: 6, tape: 15, torch: 20 },
    },
  },
  cost: {
    quick: { seconds: 60, memoryGiB: 1.5 },
    full: { seconds: 1800, memoryGiB: 21 },
  },
  timed: true,
  sweep: {
    specs: (spec) => runs.map((run) => ({ ...spec, run })),
    runOne,
    combine,
  },
});

async function runOne(sub: Sub, long: RunLong): Promise<Part> {
  const { drawnFiles } = await import('./executed-step-files.js');
  const folder = await drawnFiles(sub.drawn, long);
  const meter = new Meter(titles[sub.run], 'steps', 1, long);
  const stage = (what: string): void => meter.add(0, what);
  const part = sub.run.startsWith('torch')
    ? await torchPart(sub, folder, stage, long)
    : await ourPart(sub, folder, stage, long);
  meter.finish();
  return part;
}

async function torchPart(
  { run, drawn, limits }: Sub,
  folder: string,
  stage: (what: string) => void,
  { signal }: RunLong,
): Promise<Part> {
  const { torchStep } = await import('./executed-step-torch.js');
  const checkpointed = run === 'torch-checkpointed';
  const limitGiB = checkpointed ? null : limits.torch;
  const { executed, seconds, ...rest } = await torchStep(
    {
      drawn,
      folder,
      planes: run === 'torch-one' ? 1 : 3,
      checkpointed,
      limitBytes: limitGiB === null ? null : Math.floor(limitGiB * GiB),
      blocks: comparedBlocks(drawn),
    },
    { signal, stage },
  );
  return {
    run,
    ...rest,
    limitGiB,
    seconds: executed?.seconds ?? seconds,
    insideBytes: null,
    dryBytes: null,
    executed,
  };
}

async function ourPart(
  { run, drawn, policy, limits }: Sub,
  folder: string,
  stage: (what: string) => void,
  { signal }: RunLong,
): Promise<Part> {
  const { runLimited } = await import('../profilers/vram/limited-process.js');
  const { dryBytes } = await import('./executed-step-ours.js');
  const three = run === 'ours-three';
  const limitGiB = three ? limits.ours : limits.tape;
  const request: OurRequest = {
    drawn,
    folder,
    policy: three ? policy : 'tape',
    planes: three ? 3 : 1,
    blocks: comparedBlocks(drawn),
  };
  const program = inRepo('dist', 'experiments', 'executed-step-task.js');
  const ended = await runLimited(program, request, { limitBytes: limitGiB * GiB, signal, stage });
  const executed = ended.result as Executed | null;
  return {
    run,
    fits: ended.fits,
    error: ended.error,
    limitGiB,
    seconds: executed?.seconds ?? ended.seconds,
    insideBytes: ended.allocator?.peakBytes ?? null,
    addressBytes: null,
    residentBytes: ended.processBytes,
    dryBytes: dryBytes(request),
    executed,
    versions: ended.versions,
  };
}

function combine({ drawn, policy }: Spec, parts: Part[]): StudyOutcome {
  const found = new Findings('executed-step', drawn.seed);
  const byRun = Object.fromEntries(parts.map((part) => [part.run, part])) as Record<Run, Part>;
  for (const part of parts) findPart(found, part);
  findCounts(found, parts);
  findGradients(found, byRun['ours-three'].executed, byRun['torch-checkpointed'].executed);
  tabulate(found, parts);
  const versions = Object.assign({}, ...parts.map((part) => part.versions)) as Record<string, string>;
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const script = 'executed_step.py';
  return {
    findings: found.all,
    inputs: [{ name: script, sha256: sha256(readFileSync(inRepo('src', 'experiments', script))) }],
    notes: [
      `${drawn.model} at ${drawn.size} px, random weights, rank ${drawn.rank} on q and v of every block; ours by ${policy}`,
      `versions: ${named.join(', ')}`,
      ...parts
        .filter(({ fits }) => fits === null)
        .map(({ run, error }) => `${titles[run]}: not known, for ${error}`),
    ],
    seed: drawn.seed,
  };
}

const gib = (bytes: number): number => bytes / GiB;

function findPart(found: Findings, part: Part): void {
  const title = titles[part.run];
  const how = `one run, a process of its own, ${part.limitGiB === null ? 'no limit' : `limit ${part.limitGiB.toFixed(2)} GiB`}`;
  const say = (
    id: string,
    words: string,
    unit: string,
    value: number | null,
    kind: 'measured' | 'dry-run' = 'measured',
  ): void => {
    if (value === null) return;
    found.add({
      id: `${id}.${part.run}`,
      title: `${words}: ${title}`,
      kind,
      unit,
      value,
      uncertainty: null,
      source: how,
    });
  };
  say(
    'fits',
    'Whether a step comes to its end (1) or runs out of memory (0)',
    '1',
    part.fits === null ? null : Number(part.fits),
  );
  say(
    'seconds',
    part.fits ? 'Time of a step' : 'Time until it ran out of memory',
    's',
    part.fits === null ? null : part.seconds,
  );
  say('limit', 'Limit of memory', 'GiB', part.limitGiB);
  say(
    'inside',
    "Most memory inside TensorFlow's allocator",
    'GiB',
    part.insideBytes === null ? null : gib(part.insideBytes),
  );
  say(
    'address',
    'Most address space beyond Python and PyTorch',
    'GiB',
    part.addressBytes === null ? null : gib(part.addressBytes),
  );
  say(
    'resident',
    'Most resident memory of the process',
    'GiB',
    part.residentBytes === null ? null : gib(part.residentBytes),
  );
  say(
    'dry',
    'Peak by dry run, weights and all',
    'GiB',
    part.dryBytes === null ? null : gib(part.dryBytes),
    'dry-run',
  );
}

/** How many steps of three planes came to their end: what the study says of all of them. Nothing is counted where an end is not known. */
function findCounts(found: Findings, parts: readonly Part[]): void {
  const count = (id: string, title: string, which: (part: Part) => boolean): void => {
    const counted = parts.filter(which);
    if (counted.length === 0 || counted.some(({ fits }) => fits === null)) return;
    const ended = counted.filter(({ fits }) => fits).length;
    found.derived(`ended.${id}`, title, 'steps', ended, `counted over ${counted.length} of the runs of this study`); // prettier-ignore
  };
  const t4 = cards.t4.shown / GiB;
  count(
    'three-within-t4',
    'Steps of three planes that came to their end under a limit of no more than a T4 has',
    ({ run, limitGiB }) => run === 'ours-three' && limitGiB !== null && limitGiB <= t4,
  );
  count(
    'three-on-one-graph',
    'Steps of three planes on one graph that came to their end under a limit of more than a T4 has',
    ({ run, limitGiB }) => run === 'torch-three' && limitGiB !== null && limitGiB >= t4,
  );
}

/** Numbers of base64. */
const floats = (text: string): Float32Array =>
  new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

/** Our gradients of adapters against PyTorch's: the length of the difference over that of PyTorch's. */
function findGradients(found: Findings, ours: Executed | null, theirs: Executed | null): void {
  if (!ours || !theirs) return;
  const names = Object.keys(theirs.gradients).sort();
  const rows = names.map((name) => {
    const [a, b] = [floats(ours.gradients[name]), floats(theirs.gradients[name])];
    const [block, part, side] = name.split('/');
    return {
      block: Number(block),
      adapter: `${part}, ${side.toUpperCase()}`,
      values: b.length,
      norm: norm(b),
      difference: norm(a.map((x, k) => x - b[k])) / norm(b),
    };
  });
  rows.sort((a, b) => a.block - b.block);
  const add = (id: string, title: string, value: number): void =>
    found.add({
      id,
      title,
      kind: 'measured',
      unit: '1',
      value,
      uncertainty: null,
      source: 'one run of each stack on the same numbers',
    });
  add(
    'gradient-difference',
    'Largest relative difference of adapters’ gradients, first and last block, ours against PyTorch, three planes',
    Math.max(...rows.map(({ difference }) => difference)),
  );
  add(
    'loss-difference',
    'Relative difference of the loss, ours against PyTorch',
    Math.abs(ours.loss - theirs.loss) / Math.abs(theirs.loss),
  );
  add(
    'with-gradient.ours',
    'Share of trained tensors with a gradient, ours',
    ours.withGradient / ours.trained,
  );
  found.table('gradients', 'Gradients of adapters, ours against PyTorch, three planes', 'measured', {
    columns: [
      { key: 'block', title: 'Block', digits: 0 },
      { key: 'adapter', title: 'Adapter of', align: 'left' },
      { key: 'values', title: 'Values', digits: 0 },
      { key: 'norm', title: 'Length (PyTorch)', digits: 6 },
      { key: 'difference', title: 'Relative difference (1e-6)', digits: 2 },
    ],
    rows: rows.map((row) => ({ ...row, difference: 1e6 * row.difference })),
  });
}

function tabulate(found: Findings, parts: Part[]): void {
  const cell = (bytes: number | null): number | null => (bytes === null ? null : gib(bytes));
  found.table('runs', 'One training step, really run', 'measured', {
    columns: [
      { key: 'run', title: 'Step', align: 'left' },
      { key: 'limit', title: 'Limit', unit: 'GiB', digits: 2 },
      { key: 'outcome', title: 'Outcome', align: 'left' },
      { key: 'seconds', title: 'Time', unit: 's', digits: 0 },
      { key: 'inside', title: 'In the allocator', unit: 'GiB', digits: 2 },
      { key: 'address', title: 'Address space', unit: 'GiB', digits: 2 },
      { key: 'resident', title: 'Resident', unit: 'GiB', digits: 2 },
      { key: 'dry', title: 'Dry run', unit: 'GiB', digits: 2 },
      { key: 'error', title: 'Its words', align: 'left' },
      { key: 'command', title: 'Command', align: 'left' },
    ],
    rows: parts.map((part) => ({
      run: titles[part.run],
      limit: part.limitGiB,
      outcome: part.fits === null ? 'not known' : part.fits ? 'came to its end' : 'out of memory',
      seconds: part.seconds,
      inside: cell(part.insideBytes),
      address: cell(part.addressBytes),
      resident: cell(part.residentBytes),
      dry: cell(part.dryBytes),
      error: part.error,
      command: commandOf(part),
    })),
  });
}

/** How a process was started; its argument, a JSON text, says the rest. */
function commandOf({ run, limitGiB }: Part): string {
  if (run.startsWith('torch'))
    return `python src/experiments/executed_step.py${limitGiB === null ? '' : `, RLIMIT_AS ${limitGiB} GiB above what it has before the model`}`;
  const limit = Math.floor((limitGiB ?? 0) * 1024);
  return `TF_CPU_ALLOCATOR_USE_BFC=true TF_CPU_BFC_MEM_LIMIT_IN_MB=${limit} node dist/experiments/executed-step-task.js`;
}
