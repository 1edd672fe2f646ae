// `coc notebook`: run and check notebooks without Python.
import path from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../../base/errors';
import { inRepo } from '../../base/paths';
import { formatSeconds } from '../../base/progress';
import { jsonOption, print, terminal } from '../output';

interface RunFlags {
  out?: string;
  inplace?: boolean;
  timeout?: number;
  kernel?: string;
  json?: boolean;
}

function positive(text: string): number {
  const seconds = Number(text);
  if (seconds > 0) return seconds;
  throw new InputError({
    what: 'cannot take --timeout',
    given: `"${text}"`,
    expected: 'a number of seconds above 0',
    fix: 'for example --timeout 600',
  });
}

export function define(command: Command): void {
  command
    .command('run <file...>')
    .description(
      'run notebooks from the first cell to the last, each in a fresh kernel, and store the outputs',
    )
    .option('--out <folder>', 'where the executed notebooks go (default: .cache/notebooks)')
    .option('--inplace', 'write the outputs into the notebooks themselves')
    .option('--timeout <seconds>', 'limit for each cell (default: none)', positive)
    .option('--kernel <folder>', "another kernelspec than this project's")
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nEnds with 1 when a cell throws, leaves a rejected promise, has a type error, ends its kernel or takes longer\n' +
        'than --timeout, and with 130 on Ctrl-C. The outputs so far are written in each case.\n' +
        'A cell with the tag "raises-exception" may fail.',
    )
    .action(runAll);
  command
    .command('check <file...>')
    .description('check that files are notebooks of format 4.5')
    .addOption(jsonOption())
    .action(async (files: string[], flags: { json?: boolean }) => {
      const { readNotebook } = await import('../../kernel/nbformat.js');
      const cells = files.map((file) => ({ file, cells: readNotebook(file).cells.length }));
      print(flags, cells, cells.map((entry) => `${entry.file}: ${entry.cells} cells, format 4.5`).join('\n'));
    });
  command
    .command('cards [file...]')
    .description('write the header cards of notebooks from results, studies, manifests and register')
    .option('--check', 'write nothing; end with 1 where a card is another than it should be')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nWithout files: all of notebooks/. Question, lesson and need stand in the metadata of a notebook (coc.card);\n' +
        'everything else in a card is drawn. `reproduce --record` writes them too.',
    )
    .action(cards);
}

async function cards(files: string[], flags: { check?: boolean; json?: boolean }): Promise<void> {
  const { updateCards } = await import('../../reproduce/cards.js');
  const changed = updateCards({ write: !flags.check, ...(files.length > 0 && { files }) });
  const shown = changed.map((file) => path.relative(process.cwd(), file));
  if (flags.check && changed.length > 0) process.exitCode = 1;
  const what = flags.check ? 'not as it should be (`coc notebook cards` writes it)' : 'written';
  const lines = shown.map((file) => `${file}: card ${what}`);
  print(flags, shown, lines.join('\n') || 'All cards are up to date.');
}

async function runAll(files: string[], flags: RunFlags): Promise<void> {
  if (flags.out !== undefined && flags.inplace) {
    throw new InputError({
      what: 'cannot run the notebooks',
      given: '--out and --inplace',
      expected: 'one of them',
      fix: 'leave one out',
    });
  }
  const { runNotebook } = await import('../../kernel/runner.js');
  const { readKernelSpec } = await import('../../kernel/kernelspec.js');
  const spec = flags.kernel === undefined ? undefined : readKernelSpec(flags.kernel);
  const long = terminal(flags);
  const results = [];
  for (const file of files) {
    const folder = flags.out ?? inRepo('.cache', 'notebooks');
    const out = flags.inplace ? file : path.join(folder, path.basename(file));
    const result = await runNotebook(file, { ...long, out, timeoutSeconds: flags.timeout, spec });
    const { failure, notebook, ...rest } = result;
    results.push({ ...rest, failure: failure ?? null, notebook: notebook.cells.length });
    if (failure) {
      process.exitCode = failure.kind === 'interrupted' ? 130 : 1;
      const where = failure.cell > 0 ? `cell ${failure.cell}` : 'before the first cell';
      process.stderr.write(
        `FAILED ${file}, ${where}, ${failure.kind}: ${failure.ename}: ${failure.evalue}\n` +
          `${failure.traceback.join('\n')}\n`,
      );
      if (failure.kind === 'interrupted') break;
    }
  }
  const lines = results.map(
    ({ ok, file, out, seconds }) => `${ok ? 'ok' : 'FAILED'} ${file} in ${formatSeconds(seconds)} -> ${out}`,
  );
  print(flags, results, lines.join('\n'));
}
