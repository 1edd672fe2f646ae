// What this machine can compute with, what it cannot and why, and how to get more. Each backend is tried in a process of its
// own: a crash or a hang of one is a line about that one.
import os from 'node:os';
import { InputError, messageOf } from '../base/errors';
import type { Long } from '../base/progress';
import { formatSeconds, Meter } from '../base/progress';
import type { BackendName } from './backend';
import { backendNames } from './backend';
import type { Card } from './card';
import { nvidiaCards } from './card';
import { wantedBackend } from './choose';
import { findCompiler } from './native/compile';
import { thisHost } from './native/host';
import { findPip } from './native/pip';
import { runProgram } from './native/run-program';
import type { Tried } from './probe';
import { tryBackend } from './probe';

/** What became of one backend. */
export type Finding = { name: BackendName } & ({ tried: Tried } | { reason: string; fix: string });

/** What the doctor found. */
export interface Examination {
  node: string;
  platform: string;
  processor: { model: string; threads: number; memoryGiB: number };
  cards: Card[];
  /** The programs that `coc native install` needs, with their versions; null where there is none. */
  tools: { pip: string | null; compiler: string | null };
  backends: Finding[];
  /** What `chooseBackend()` takes; null where COC_BACKEND names one that does not work. */
  chosen: BackendName | null;
  why: string;
}

/**
 * Look at the machine and try every backend.
 * @param prove  run the whole proof of ops on each, too
 * @throws Interrupted
 */
export async function examine({
  prove = false,
  ...long
}: Long & { prove?: boolean } = {}): Promise<Examination> {
  const meter = new Meter(prove ? 'proof of backends' : 'examination', 'backends', backendNames.length, long);
  const wanted = wantedHere();
  const backends: Finding[] = [];
  for (const name of backendNames) {
    const asked = 'name' in wanted && wanted.name === name;
    try {
      const tried = await tryBackend(name, { asked, speed: true, prove, signal: long.signal });
      backends.push({ name, tried });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      backends.push({ name, reason: error.problem.given, fix: error.problem.fix });
    }
    meter.add(1, name);
  }
  meter.finish();
  const glibc = thisHost().glibc();
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}${glibc ? `, glibc ${glibc}` : ''}`,
    processor: {
      model: os.cpus()[0]?.model.trim() || process.arch,
      threads: os.availableParallelism(),
      memoryGiB: os.totalmem() / 2 ** 30,
    },
    cards: await nvidiaCards(long.signal),
    tools: await toolsHere(long.signal),
    backends,
    ...choiceOf(backends, wanted),
  };
}

type Wanted = { name: BackendName } | { wrong: string } | { none: true };

function wantedHere(): Wanted {
  try {
    const wanted = wantedBackend();
    return wanted ? { name: wanted.name } : { none: true };
  } catch (error) {
    return { wrong: messageOf(error) };
  }
}

function choiceOf(backends: readonly Finding[], wanted: Wanted): Pick<Examination, 'chosen' | 'why'> {
  if ('wrong' in wanted) return { chosen: null, why: wanted.wrong };
  const works = backends.filter((finding) => 'tried' in finding).map(({ name }) => name);
  if ('name' in wanted) {
    const { name } = wanted;
    if (works.includes(name)) return { chosen: name, why: `COC_BACKEND=${name} asks for it` };
    return {
      chosen: null,
      why: `COC_BACKEND=${name} asks for what does not work here; nothing takes its place`,
    };
  }
  const chosen = works.at(0) ?? null;
  return { chosen, why: chosen === null ? 'none works' : 'the first in order that works' };
}

async function toolsHere(signal?: AbortSignal): Promise<Examination['tools']> {
  const version = async (find: () => Promise<readonly string[]>): Promise<string | null> => {
    try {
      const command = await find();
      const { stdout } = await runProgram([...command, '--version'], { signal, timeout: 20_000 });
      return `${command[0]} ${/\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? ''}`.trim();
    } catch (error) {
      if (error instanceof InputError) return null;
      throw error;
    }
  };
  const pip = await version(async () => (await findPip(signal)).command);
  return {
    pip: pip && `pip ${pip.split(' ')[1] ?? ''}`.trim(),
    compiler: await version(() => findCompiler(signal)),
  };
}

const width = 80;

/** The examination as text, in 80 columns. */
export function examinationText({
  node,
  platform,
  processor,
  cards,
  tools,
  backends,
  chosen,
  why,
}: Examination): string {
  const { model, threads, memoryGiB } = processor;
  const cardText = cards.map(
    ({ name, memoryMiB, driver }) => `${name}, ${(memoryMiB / 1024).toFixed(0)} GiB, driver ${driver}`,
  );
  const toolText = `${tools.pip ?? 'no pip'}, ${tools.compiler ?? 'no C++ compiler'} (for \`npx coc native install\`)`;
  const lines = [
    entry('Node', `${node} on ${platform}`),
    entry('Processor', `${model}, ${threads} threads, ${memoryGiB.toFixed(1)} GiB of memory`),
    entry('Card', cardText.length > 0 ? cardText.join('; ') : 'none that nvidia-smi lists'),
    entry('Tools', toolText),
    '',
  ];
  for (const finding of backends) {
    const mark = finding.name === chosen ? '*' : ' ';
    if ('tried' in finding) lines.push(...triedLines(mark, finding.tried));
    else
      lines.push(
        entry(`${mark} ${finding.name}`, `no     ${finding.reason}`, 21),
        under(`-> ${finding.fix}`),
      );
  }
  lines.push(
    '',
    chosen ? `* is chosen: ${why}. COC_BACKEND=NAME chooses another.` : `Nothing is chosen: ${why}.`,
  );
  return lines.join('\n');
}

function triedLines(mark: string, { name, device, gpu, versions, notes, selfTest, speed }: Tried): string[] {
  const gflops = speed ? `${formatRate(speed.gflops).padStart(4)} GFLOP/s` : '';
  const [version] = Object.entries(versions).filter(([what]) => what !== 'tfjs' || name === 'cpu');
  // The processor stands above.
  const where = gpu ?? /\d+ threads?/.exec(device)?.[0] ?? device;
  const test = `self-test ${formatSeconds(selfTest.seconds)}`;
  return [
    entry(
      `${mark} ${name}`,
      `ok ${gflops.padEnd(12)}   ${test}   ${version.join(' ').replace('tfjs-backend-', '')}, ${where}`,
      21,
    ),
    ...notes.map((note) => under(note)),
  ];
}

/** Three digits, or a decimal below ten. */
function formatRate(gflops: number): string {
  return gflops < 10 ? gflops.toFixed(1) : gflops.toFixed(0);
}

function under(text: string): string {
  return wrap(text, 21)
    .map((line) => ' '.repeat(21) + line)
    .join('\n');
}

/** A name and what is said of it, wrapped; what follows the first line begins at a column. */
function entry(name: string, text: string, column = 14): string {
  const [first, ...rest] = wrap(text, 14);
  const more = rest.length > 0 ? wrap(rest.join(' '), column) : [];
  return [name.padEnd(14) + first, ...more.map((line) => ' '.repeat(column) + line)].join('\n');
}

function wrap(text: string, column: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(/(?<=\S) (?=\S)/)) {
      if (line !== '' && line.length + 1 + word.length > width - column) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}

/** How the proof went on each backend that works: counts, then whatever is not right. */
export function proofText({ backends }: Examination): string {
  return backends
    .flatMap((finding) => ('tried' in finding && finding.tried.proof ? [finding.tried] : []))
    .flatMap(({ name, proof = [] }) => {
      const of = (status: string): number => proof.filter((row) => row.status === status).length;
      const worst = (errors: (number | null)[]): string =>
        Math.max(...errors.map((e) => e ?? 0)).toExponential(1);
      const errors = `largest error ${worst(proof.map((r) => r.valueError))} in values, ${worst(proof.map((r) => r.gradientError))} in gradients`;
      return [
        `${name}: ${of('right')} of ${proof.length} ops right, ${of('refused')} refused, ${of('wrong')} wrong; ${errors}`,
        ...proof.filter((row) => row.status === 'wrong').map((row) => `  WRONG ${row.case}: ${row.message}`),
        ...proof.filter((row) => row.status === 'refused').map((row) => `  refused ${row.case}`),
      ];
    })
    .join('\n');
}
