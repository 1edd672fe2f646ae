// The npm packages that the suite runs, and what they need, copied without what does not run: types, maps, sources, bundles for
// browsers, other platforms' machine code.
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../../base/errors';
import { readJson } from '../../base/files';

/** What the suite loads. */
const wanted = [
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs-backend-webgpu',
  '@tensorflow/tfjs-node-gpu',
  'commander',
  'node-api-headers',
  'pure-rand',
  'webgpu',
  'zod',
];

const manifest = z.object({ dependencies: z.record(z.string(), z.string()).default({}) });

/** Where a package that another needs is found, as Node looks for it. */
function place(name: string, from: string): string | undefined {
  for (let dir = from; ; dir = path.dirname(dir)) {
    const found = path.join(dir, 'node_modules', name);
    if (existsSync(path.join(found, 'package.json'))) return found;
    if (dir === path.dirname(dir)) return undefined;
  }
}

/** The folders of all packages that are needed. @throws InputError when one of ours is not installed */
function foldersOf(root: string): Set<string> {
  const folders = new Set<string>();
  const visit = (name: string, from: string): boolean => {
    const found = place(name, from);
    if (found === undefined || folders.has(found)) return found !== undefined;
    folders.add(found);
    const { dependencies } = manifest.parse(readJson(path.join(found, 'package.json')));
    for (const other of Object.keys(dependencies)) visit(other, found);
    return true;
  };
  for (const name of wanted) {
    if (visit(name, root)) continue;
    throw new InputError({
      what: 'cannot make the archives',
      given: `the npm package ${name} is not installed`,
      expected: 'all packages, the optional ones too',
      fix: 'run `npm ci`',
    });
  }
  return folders;
}

const within = (file: string, ...folders: string[]): boolean =>
  file.includes(path.sep + path.join(...folders) + path.sep);

function isKept(file: string): boolean {
  const name = path.basename(file);
  // The binding's sources name its build: they are looked at to find the one that fits.
  if (/\.(map|md|cc|ts|mts|cts|tsx|flow)$/.test(name) && !within(file, 'tfjs-node-gpu', 'binding'))
    return false;
  // Bundles of TensorFlow.js for browsers; Node loads `tf-core.node.js` and the like.
  if (/^tf(-[a-z]+)*(\.es2017|\.fesm)?(\.min)?\.js$/.test(name)) return false;
  if (within(file, 'webgpu', 'dist')) return file.includes(`${process.platform}-${process.arch}`);
  // Linked from the cache where it is unpacked.
  if (name === 'tfjs_binding.node') return false;
  // Sources of TensorFlow.js; in other packages `src` may be what runs.
  return !/@tensorflow[\\/][^\\/]+[\\/]src$/.test(file);
}

/** Copy the packages of a clone into another folder, as they lie. @returns how many */
export function copyModules(root: string, into: string): number {
  const folders = foldersOf(root);
  for (const folder of folders) {
    const scripts: string[] = [];
    cpSync(folder, path.join(into, path.relative(root, folder)), {
      recursive: true,
      dereference: true,
      filter: (file, target) => {
        // What lies in there is another package, copied for itself where it is needed.
        if (path.basename(file) === 'node_modules') return false;
        if (file === folder || file.endsWith(path.join('webgpu', 'dist'))) return true;
        if (!isKept(file)) return false;
        if (file.endsWith('.js')) scripts.push(target);
        return true;
      },
    });
    // Maps may stand inside scripts.
    for (const script of scripts) {
      const text = readFileSync(script, 'utf8');
      const bare = text.replace(/^\/\/# sourceMappingURL=.*$/gm, '');
      if (bare !== text) writeFileSync(script, bare);
    }
  }
  return folders.size;
}
