// `coc kernel`: the notebook kernel.
import type { Command } from 'commander';
import { installKernel, kernelDisplayName, uninstallKernel } from '../../kernel/kernelspec';
import { jsonOption, print } from '../output';

export function define(command: Command): void {
  command.addHelpText(
    'after',
    '\nA front end (JupyterLab, VS Code, nbclient) starts the kernel by itself once it is installed.\n' +
      'No Python is needed for that. VS Code lists it after a restart.',
  );
  command
    .command('install', { isDefault: true })
    .description("register the kernel with this user's Jupyter and VS Code (one file, no Python)")
    .addOption(jsonOption())
    .action((options: { json?: boolean }) => {
      const directory = installKernel();
      print(options, { installed: directory }, `"${kernelDisplayName}" is registered in ${directory}`);
    });
  command
    .command('uninstall')
    .description('take the registration back')
    .addOption(jsonOption())
    .action((options: { json?: boolean }) => {
      const directory = uninstallKernel();
      const text = directory ? `${directory} is removed` : 'the kernel was not registered';
      print(options, { removed: directory ?? null }, text);
    });
  command
    .command('start')
    .description('start the kernel (front ends call this)')
    .requiredOption('--connection-file <file>', 'the JSON file with ports and key, from the front end')
    .action(async (options: { connectionFile: string }) => {
      const { startKernel } = await import('../../kernel/launcher.js');
      startKernel(options.connectionFile);
    });
}
