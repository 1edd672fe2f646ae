// `coc verify`: re-check a folder of results that someone else made.
import path from 'node:path';
import type { Command } from 'commander';
import { jsonOption, print, terminal } from '../output';

export function define(command: Command): void {
  command
    .argument(
      '[folder]',
      'a folder with study files, or with recorded/ in it (default: figures/, the record)',
    )
    .option('--rerun', 'run the studies that measure no time again, and compare')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nChecks digests, the crate, identities against this code, verdicts, and figures that lie beside the results (drawn' +
        '\nagain, compared byte for byte), and compares every value with our record. Exit code 1 where something is wrong.',
    )
    .action(async (folder: string | undefined, options: { rerun?: boolean; json?: boolean }) => {
      const { inRepo } = await import('../../base/paths.js');
      const { verifiedText, verify } = await import('../../reproduce/verify.js');
      const dir = folder === undefined ? inRepo('figures') : path.resolve(folder);
      const verified = await verify(dir, { rerun: options.rerun, ...terminal(options) });
      print(options, verified, verifiedText(verified));
      if (verified.problems.length > 0) process.exitCode = 1;
    });
}
