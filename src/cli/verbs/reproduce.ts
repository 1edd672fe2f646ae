// `coc reproduce`: data, studies, notebooks, figures, paper, verdicts.
import type { Command } from 'commander';
import { Option } from 'commander';
import { InputError } from '../../base/errors';
import type { Mode } from '../../results/result';
import { modes } from '../../results/result';
import { jsonOption, print, terminal } from '../output';

interface Options {
  mode: Mode;
  only?: string;
  record?: boolean;
  force?: boolean;
  strict?: boolean;
  why?: boolean;
  plan?: boolean;
  rehearse?: boolean;
  native: boolean;
  json?: boolean;
}

export function define(command: Command): void {
  command
    .addOption(
      new Option(
        '--mode <mode>',
        'stored: draw what is recorded; quick: run on this machine; full: paper scale',
      )
        .choices(modes)
        .default('quick'),
    )
    .option('--only <id>', 'a study, a notebook or a figure: only that is run, drawn and recorded')
    .option('--why', 'say what would run and why, and do nothing: no run, no download, no file')
    .option(
      '--plan',
      'say what the mode takes, notebook by notebook: model, weights, data, hours, memory, card',
    )
    .option('--rehearse', 'do all of it with the smallest specs in a copy of the clone; nothing is kept')
    .option('--force', 'run studies and notebooks again even when nothing they depend on has changed')
    .option(
      '--record',
      "make this run's results the record that figures and paper are set from (what was recorded in mode full stays in a quick run)",
    )
    .option('--strict', 'fail where recorded results are not of the present code, spec and data')
    .option(
      '--no-native',
      'do not install native TensorFlow where it is not installed (COC_NATIVE=0 likewise)',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nA study runs again when its spec, the code it imports, a package of that code, its data or the backend changes;' +
        '\na notebook also when its cells change or what it shows of the register. Comments and prose change nothing.',
    )
    .action(async (options: Options) => {
      if (options.why) return why(options);
      if (options.plan) return plan(options);
      if (options.rehearse) return rehearse(options);
      const { reproduce } = await import('../../reproduce/reproduce.js');
      const { screen } = await import('../../reproduce/screen.js');
      const say = options.json ? undefined : (line: string): void => void process.stderr.write(`${line}\n`);
      const outcome = await reproduce({ ...options, say, ...terminal(options) });
      print(options, outcome, screen(outcome));
    });
}

/** @throws InputError in mode stored */
function runMode({ mode }: Options, what: string): Exclude<Mode, 'stored'> {
  if (mode !== 'stored') return mode;
  throw new InputError({
    what: `cannot ${what}`,
    given: '--mode stored, which runs nothing',
    expected: '--mode quick or --mode full',
    fix: 'choose one of these modes',
  });
}

async function plan(options: Options): Promise<void> {
  const { planText, planned } = await import('../../reproduce/plan.js');
  const mode = runMode(options, 'plan a run');
  const { plannedNative, plannedNativeText } = await import('../../reproduce/native.js');
  const native = await plannedNative(options.native);
  const studies = await planned(mode, options.only);
  print(options, { native, studies }, `${planText(studies, mode)}\n${plannedNativeText(native)}`);
}

async function rehearse(options: Options): Promise<void> {
  const { rehearse } = await import('../../reproduce/rehearse.js');
  const mode = runMode(options, 'rehearse');
  const { signal } = terminal(options);
  process.exitCode = await rehearse({ mode, only: options.only, json: options.json, signal });
}

async function why(options: Options): Promise<void> {
  const { explain, explainText } = await import('../../reproduce/explain.js');
  const explained = await explain(options);
  print(options, explained, explainText(explained));
}
