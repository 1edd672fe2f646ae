// `coc native`: native TensorFlow for Node: install, status, remove.
import type { Command } from 'commander';
import { Option } from 'commander';
import { formatBytes, formatSeconds } from '../../base/progress';
import type { Form } from '../../backends/native/recipe';
import type { NativeState } from '../../backends/native/state';
import { jsonOption, print, terminal } from '../output';

interface Install {
  cpu?: boolean;
  gpu?: boolean;
  stock?: boolean;
  json?: boolean;
}

export function define(command: Command): void {
  command.addHelpText(
    'after',
    `
TensorFlow's own libraries, which compute many times faster than wasm and have every gradient right. They come with pip from
the index that pip is set up to ask, are checked by their hash, and lie in the per-user cache (COC_CACHE); npm's own
package is compiled against them, and loaded by every study and notebook. Python is not needed afterwards.
"npm run reproduce" does this by itself in the modes quick and full; --no-native or COC_NATIVE=0 declines.

Needs Linux on x64 with glibc 2.27 or newer, pip of any Python 3 (COC_PYTHON names one) and a C++ compiler (CXX names one).
COC_NATIVE_FORM=cpu or gpu says which form is used where both are installed.

Examples:
  coc native install           the form for cards where nvidia-smi answers, else the one for the processor
  coc native install --cpu     274 MB to fetch, 854 MB on disk
  coc native status --json
  coc native remove`,
  );
  command
    .command('install')
    .description('fetch, compile and check it; goes on where it was stopped')
    .addOption(new Option('--gpu', 'the form for NVIDIA cards').conflicts('cpu'))
    .addOption(new Option('--cpu', 'the form for the processor'))
    .addOption(
      new Option('--stock', "the package's own binary, from its vendor (older, nothing is compiled)"),
    )
    .addOption(jsonOption())
    .action(install);
  command
    .command('status')
    .description('what is installed, and where')
    .addOption(jsonOption())
    .action(status);
  command
    .command('remove')
    .description('remove it, and free its part of the cache')
    .addOption(jsonOption())
    .action(remove);
}

async function install(options: Install): Promise<void> {
  const form: Form | undefined = options.gpu ? 'gpu' : options.cpu ? 'cpu' : undefined;
  const say = options.json ? undefined : (line: string): void => void process.stderr.write(`${line}\n`);
  const began = performance.now();
  const request = { form, say, ...terminal(options) };
  const state = options.stock
    ? await (await import('../../backends/native/stock.js')).installStock(request)
    : await (await import('../../backends/native/install.js')).installNative(request);
  const seconds = (performance.now() - began) / 1000;
  print(options, { ...state, seconds }, `${stateText(state)}\nReady in ${formatSeconds(seconds)}.`);
}

async function status(options: { json?: boolean }): Promise<void> {
  const { nativeState } = await import('../../backends/native/state.js');
  const state = nativeState();
  print(options, state, stateText(state));
}

async function remove(options: { json?: boolean }): Promise<void> {
  const { removeNative } = await import('../../backends/native/remove.js');
  const removed = removeNative();
  print(options, removed, `Removed ${formatBytes(removed.bytes)} from ${removed.where}`);
}

function stateText({ installed, tensorflow, where, problem }: NativeState): string {
  const lines =
    installed === null
      ? []
      : [
          `Native TensorFlow ${tensorflow ?? '(version unknown: not installed by coc)'} for ${installed === 'gpu' ? 'NVIDIA cards' : 'the processor'}`,
          `  in ${where}`,
        ];
  return [...lines, ...(problem ? [`Native TensorFlow: ${problem}`] : [])].join('\n');
}
