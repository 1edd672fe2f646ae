// `coc build`: the launcher has built before this runs; only say so.
import type { Command } from 'commander';
import { inRepo } from '../../base/paths';
import { jsonOption, print } from '../output';

export function define(command: Command): void {
  command.addOption(jsonOption()).action((options: { json?: boolean }) => {
    print(options, { dist: inRepo('dist') }, `dist/ is up to date (${inRepo('dist')})`);
  });
}
