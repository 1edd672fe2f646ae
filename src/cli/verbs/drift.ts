// `coc drift`: the last run on this machine beside the record.
import type { Command } from 'commander';
import { jsonOption, print } from '../output';

export function define(command: Command): void {
  command
    .option('--all', 'also list what is within tolerance')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nCompares figures/quick/results with figures/recorded, result by result. Classes: identical; within tolerance' +
        '\n(intervals overlap, or rounding); explained by device (device, Node, backend or packages differ); unexplained.',
    )
    .action(async (options: { all?: boolean; json?: boolean }) => {
      const { driftHere, driftScreen } = await import('../../reproduce/drift.js');
      const summary = await driftHere();
      print(options, summary, driftScreen(summary, options.all ?? false));
    });
}
