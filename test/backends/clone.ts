// A clone with packages of its own: the built library, and node_modules in which some packages are other ones or not there.
import type { SpawnSyncReturns } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** What the clone has in place of npm's `tfjs-node-native`: the package with a binding of the given bytes, or without one. */
export function cloneWith(binding: Uint8Array | string | null): { dir: string; remove: () => void } {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'coc-clone-'));
  cpSync('dist', path.join(dir, 'dist'), { recursive: true });
  // Studies read which files they need from the manifests.
  for (const part of ['package.json', 'data-manifests'])
    cpSync(part, path.join(dir, part), { recursive: true });
  const linkAll = (from: string, to: string, except: string[]): void => {
    mkdirSync(to, { recursive: true });
    for (const name of readdirSync(from))
      if (!except.includes(name)) symlinkSync(path.resolve(from, name), path.join(to, name));
  };
  const modules = path.join(dir, 'node_modules');
  linkAll('node_modules', modules, ['tfjs-node-native', '@tensorflow', 'webgpu']);
  linkAll('node_modules/@tensorflow', path.join(modules, '@tensorflow'), ['tfjs-node-gpu']);
  const native = path.join(modules, 'tfjs-node-native');
  linkAll('node_modules/tfjs-node-native', native, ['lib', 'package.json', 'dist']);
  // Copies: node finds what a file needs from where the file really lies.
  for (const part of ['package.json', 'dist'])
    cpSync(path.join('node_modules/tfjs-node-native', part), path.join(native, part), { recursive: true });
  if (binding !== null) {
    const place = path.join(native, 'lib', 'napi-v8');
    mkdirSync(place, { recursive: true });
    writeFileSync(path.join(place, 'tfjs_binding.node'), binding);
  }
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Run a program in the clone, with a cache of its own. */
export function inClone(dir: string, args: string[], env: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, args, {
    cwd: dir,
    encoding: 'utf8',
    env: {
      ...process.env,
      COC_CACHE: path.join(dir, 'cache'),
      COC_BACKEND: '',
      // Else one package is found in two places, and loaded twice.
      NODE_PRESERVE_SYMLINKS: '1',
      ...env,
    },
  });
}

/** What `chooseBackend()` gives in the clone, or the message of its error. */
export function chosenIn(
  dir: string,
  env: NodeJS.ProcessEnv = {},
): {
  name?: string;
  why?: string;
  rejected?: { name: string; reason: string; fix: string }[];
  product?: number[];
  error?: string;
} {
  const { stdout, stderr } = inClone(
    dir,
    [
      '-e',
      `require('./dist').chooseBackend().then(async ({ name, why, rejected, tf }) => {
         const product = tf.matMul([[1, 2], [3, 4]], [[5], [6]]);
         console.log(JSON.stringify({ name, why, rejected, product: [...await product.data()] }));
       }, (error) => console.log(JSON.stringify({ error: error.message })))`,
    ],
    env,
  );
  try {
    return JSON.parse(stdout) as object;
  } catch {
    throw new Error(`no answer: ${stdout}${stderr}`);
  }
}
