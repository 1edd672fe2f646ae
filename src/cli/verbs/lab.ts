// `coc lab`: JupyterLab on this repository, with the project's kernel.
import type { Command } from 'commander';
import { InputError } from '../../base/errors';
import { jsonOption, print, terminal } from '../output';

interface Options {
  port?: string;
  browser: boolean;
  json?: boolean;
}

export function define(command: Command): void {
  command
    .option('--port <number>', 'port on this machine (default: the first free one from 8888 on)')
    .option('--no-browser', 'print the address and open no browser')
    .addOption(jsonOption())
    .argument('[options...]', 'after `--`: more options for `jupyter lab`')
    .addHelpText(
      'after',
      `
Takes JupyterLab 4 from PATH. Without one, the first start makes a private environment in the per-user cache
(needs python3 with venv and pip; 91 packages, 240 MB on disk). Nothing is registered with your own Jupyter.
JupyterLab listens on 127.0.0.1 only and asks for the token in the printed address. Ctrl-C ends it and its kernels.

Examples:
  npx coc lab
  npx coc lab --port 9000 --no-browser
  npx coc lab -- --ServerApp.base_url=/course/`,
    )
    .action(async (args: string[], options: Options) => {
      const { startLab } = await import('../../kernel/lab.js');
      const { signal, progress } = terminal(options);
      process.once('SIGTERM', () => process.emit('SIGINT'));
      const port = options.port === undefined ? undefined : Number(options.port);
      const lab = await startLab({ port, browser: options.browser, args, signal, progress });
      const { url, pid, jupyter } = lab;
      print(
        options,
        { url, pid, version: jupyter.version, from: jupyter.from },
        `JupyterLab ${jupyter.version} (${jupyter.from === 'PATH' ? 'from PATH' : 'private environment'}) is open at\n  ${url}\nCtrl-C ends it and its kernels.`,
      );
      signal.addEventListener('abort', () => void lab.stop());
      const { code, signal: killed } = await lab.ended;
      if (signal.aborted || code === 0) return;
      throw new InputError({
        what: 'JupyterLab ended',
        given: killed ? `signal ${killed}` : `exit code ${code}`,
        expected: 'an end by Ctrl-C or by "Shut Down" in its File menu',
        fix: 'read its words above; its kernels have ended, saved notebooks are safe; start it again',
      });
    });
}
