// `coc VERB ...`: a verb's file is loaded when the verb is called, so `coc --help` costs nothing.
import { Command, CommanderError } from 'commander';
import { InputError, Interrupted, messageOf } from '../base/errors';
import { readJson } from '../base/files';
import { inRepo } from '../base/paths';

interface Verb {
  name: string;
  summary: string;
  load: () => Promise<{ define: (command: Command) => void }>;
}

/** Every verb in the order of a reader's day. A verb's file exports `define(command)`. */
const verbs: Verb[] = [
  {
    name: 'reproduce',
    summary: 'data, notebooks, figures, paper, verdicts: everything, with progress',
    load: () => import('./verbs/reproduce.js'),
  },
  {
    name: 'build',
    summary: 'build src/ into dist/ when it is stale (every other verb does this first)',
    load: () => import('./verbs/build.js'),
  },
  {
    name: 'nifti',
    summary: 'look into NIfTI files: info, check, convert',
    load: () => import('./verbs/nifti.js'),
  },
  {
    name: 'data',
    summary: 'data sets: list, fetch, verify; synthetic heads',
    load: () => import('./verbs/data.js'),
  },
  {
    name: 'pixels',
    summary: 'what planes cost, gain and lose on their way to a square input',
    load: () => import('./verbs/pixels.js'),
  },
  {
    name: 'view',
    summary: 'three linked planes of a volume as a page: planes, masks, profiles along the shared lines',
    load: () => import('./verbs/view.js'),
  },
  {
    name: 'audit',
    summary: 'scores, jitter and agreement of predicted masks, and a picture of the worst',
    load: () => import('./verbs/audit.js'),
  },
  {
    name: 'stride',
    summary: 'what reading the planes of a volume touches, costs, and can be of a training step',
    load: () => import('./verbs/stride.js'),
  },
  {
    name: 'vram',
    summary: 'what a training step needs of a card, and which it fits, by every memory policy',
    load: () => import('./verbs/vram.js'),
  },
  {
    name: 'sam',
    summary: 'the Segment Anything Model on files: encode images, make masks of prompts',
    load: () => import('./verbs/sam.js'),
  },
  {
    name: 'weights',
    summary: 'turn PyTorch checkpoints into safetensors; no code of theirs is run',
    load: () => import('./verbs/weights.js'),
  },
  {
    name: 'claims',
    summary: 'what both documents claim, and what the recorded results say about it',
    load: () => import('./verbs/claims.js'),
  },
  {
    name: 'runs',
    summary: 'the run store: what was computed on this machine, when, and what it took',
    load: () => import('./verbs/runs.js'),
  },
  {
    name: 'doctor',
    summary: 'what this machine can compute with, what not and why, and how to get more',
    load: () => import('./verbs/doctor.js'),
  },
  {
    name: 'gpu-suite',
    summary: 'checks, times and memory of both engines on a graphics card, and a pack for a bare machine',
    load: () => import('./verbs/gpu-suite.js'),
  },
  {
    name: 'native',
    summary: 'native TensorFlow, the fast engine: install, status, remove',
    load: () => import('./verbs/native.js'),
  },
  {
    name: 'kernel',
    summary: 'register the notebook kernel with Jupyter and VS Code, or take it back',
    load: () => import('./verbs/kernel.js'),
  },
  {
    name: 'notebook',
    summary: 'run notebooks without Python and store their outputs; check their format',
    load: () => import('./verbs/notebook.js'),
  },
  {
    name: 'lab',
    summary: 'open JupyterLab on this repository, with its kernel',
    load: () => import('./verbs/lab.js'),
  },
  {
    name: 'drift',
    summary: 'the last run on this machine beside the record, result by result',
    load: () => import('./verbs/drift.js'),
  },
  {
    name: 'verify',
    summary: 're-check a folder of results that someone else made',
    load: () => import('./verbs/verify.js'),
  },
  {
    name: 'paper',
    summary: 'typeset the paper (PDF and web page) from the recorded results',
    load: () => import('./verbs/paper.js'),
  },
];

/** Run the command line; sets the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export async function main(argv: string[]): Promise<void> {
  const { version } = readJson(inRepo('package.json')) as { version: string };
  const program = new Command('coc')
    .description('Cost of Consistency: an executable paper')
    .version(version)
    .configureHelp({ showGlobalOptions: false })
    .exitOverride();
  for (const verb of verbs) {
    const command = program.command(verb.name).description(verb.summary).exitOverride();
    if (argv[0] === verb.name || (argv[0] === 'help' && argv[1] === verb.name))
      (await verb.load()).define(command);
    for (const sub of command.commands) sub.exitOverride();
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else if (error instanceof Interrupted) {
      console.error(error.message);
      process.exitCode = 130;
    } else {
      // A mistake of the user's is told in one line; a mistake of ours with its stack.
      console.error(error instanceof InputError || !(error instanceof Error) ? messageOf(error) : error);
      process.exitCode = 1;
    }
  }
}
