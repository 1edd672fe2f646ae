// `coc paper`: typeset the paper from the recorded results.
import path from 'node:path';
import type { Command } from 'commander';
import { jsonOption, print, terminal } from '../output';

interface Options {
  json?: boolean;
  out?: string;
}

export function define(command: Command): void {
  command
    .option('--out <folder>', 'where paper.pdf, paper.html and plotly.js go (default: paper/)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nThe paper is set from figures/recorded, paper/claims.yaml and the sources in paper/. It fails, naming the line,' +
        '\nwhere a number in the prose is bound to no result or an id has no result.',
    )
    .action(async (options: Options) => {
      const { buildRecordedPaper } = await import('../../publish/recorded.js');
      const { changedOf, outdatedRecord } = await import('../../reproduce/present.js');
      const { recordedDir } = await import('../../results/store.js');
      const out = options.out === undefined ? undefined : path.resolve(options.out);
      const changed = changedOf(await outdatedRecord(recordedDir()));
      const built = await buildRecordedPaper({ ...terminal(options), out, changed });
      print(options, built, `${built.pdf} (${built.pages} pages)\n${built.html}`);
    });
}
