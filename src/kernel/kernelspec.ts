// Registers the kernel without Python: a kernelspec is one file in the user's Jupyter folder, where Jupyter and VS Code look.
import { existsSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { readJson, writeFileAtomic } from '../base/files';
import { inRepo } from '../base/paths';

export const kernelName = 'cost-of-consistency';
export const kernelDisplayName = 'Cost of Consistency (TypeScript)';

const specSchema = z.looseObject({
  argv: z.array(z.string()).min(1),
  display_name: z.string(),
  language: z.string(),
  interrupt_mode: z.enum(['signal', 'message']).optional(),
  env: z.record(z.string(), z.string()).optional(),
});

/** How a kernel is started: `kernel.json`. */
export type KernelSpec = z.infer<typeof specSchema>;

/** This clone's kernel. Its heap may take three quarters of the memory, at most 8 GiB. */
export function kernelSpec(): KernelSpec {
  const heap = Math.floor(Math.min(8192, (0.75 * os.totalmem()) / 2 ** 20));
  return {
    argv: [
      process.execPath,
      `--max-old-space-size=${heap}`,
      inRepo('src', 'cli', 'coc.cjs'),
      'kernel',
      'start',
      '--connection-file',
      '{connection_file}',
    ],
    display_name: kernelDisplayName,
    language: 'typescript',
    // By message, not by signal: a signal does not reach a loop that never yields.
    interrupt_mode: 'message',
    metadata: { debugger: false },
  };
}

/** Read the `kernel.json` in a folder. */
export function readKernelSpec(directory: string): KernelSpec {
  const file = path.join(directory, 'kernel.json');
  const parsed = existsSync(file) ? specSchema.safeParse(readJson(file)) : undefined;
  if (parsed?.success) return parsed.data;
  throw new InputError({
    what: `cannot take the kernel from ${directory}`,
    given: parsed ? z.prettifyError(parsed.error) : 'no kernel.json there',
    expected: 'a folder with a Jupyter kernelspec',
    fix: 'leave --kernel out to use the kernel of this project',
  });
}

/** The user's Jupyter data folder, by Jupyter's own rules. */
export function jupyterDataDir(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = os.homedir(),
): string {
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  if (platform === 'darwin') return path.join(home, 'Library', 'Jupyter');
  if (platform === 'win32') {
    return env.APPDATA ? path.join(env.APPDATA, 'jupyter') : path.join(home, '.jupyter', 'data');
  }
  return path.join(env.XDG_DATA_HOME ?? path.join(home, '.local', 'share'), 'jupyter');
}

/** Write the kernelspec into the user's Jupyter folder; returns the folder. */
export function installKernel(dataDir = jupyterDataDir()): string {
  const directory = path.join(dataDir, 'kernels', kernelName);
  writeFileAtomic(path.join(directory, 'kernel.json'), `${JSON.stringify(kernelSpec(), null, 1)}\n`);
  return directory;
}

/** Remove it; returns the folder, or undefined when there was none. */
export function uninstallKernel(dataDir = jupyterDataDir()): string | undefined {
  const directory = path.join(dataDir, 'kernels', kernelName);
  if (!existsSync(directory)) return undefined;
  rmSync(directory, { recursive: true });
  return directory;
}
