// `coc reproduce`: data, notebooks, figures, paper, verdicts.
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Mode } from '../../results/result';
import { modes } from '../../results/result';
import { jsonOption, print, terminal } from '../output';

interface Options {
  mode: Mode;
  record?: boolean;
  force?: boolean;
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
    .option('--record', "make this run's results the record that figures and paper are set from")
    .option('--force', 'run notebooks again even when nothing they depend on has changed')
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const { reproduce } = await import('../../reproduce/reproduce.js');
      const { screen } = await import('../../reproduce/screen.js');
      const say = options.json ? undefined : (line: string): void => void process.stderr.write(`${line}\n`);
      const outcome = await reproduce({ ...options, say, ...terminal(options) });
      print(options, outcome, screen(outcome));
    });
}
