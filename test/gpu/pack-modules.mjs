// The npm packages that compute, and what they need, for pack.sh: `pack-modules.mjs CLONE`. Left out: types, maps, sources, bundles
// for browsers, other platforms' machine code.
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const into = process.argv[2];
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

/** Where a package that another needs is found, as Node looks for it. */
function place(name, from) {
  for (let dir = from; ; dir = path.dirname(dir)) {
    const found = path.join(dir, 'node_modules', name);
    if (existsSync(path.join(found, 'package.json'))) return found;
    if (dir === path.dirname(dir)) return undefined;
  }
}

const folders = new Set();
function visit(name, from) {
  const found = place(name, from);
  if (!found || folders.has(found)) return found !== undefined;
  folders.add(found);
  const { dependencies = {} } = JSON.parse(readFileSync(path.join(found, 'package.json'), 'utf8'));
  for (const other of Object.keys(dependencies)) visit(other, found);
  return true;
}
const root = process.cwd();
for (const name of wanted)
  if (!visit(name, root)) throw new Error(`${name} is not installed: run \`npm ci\``);

const platform = `${process.platform}-${process.arch}`;
function isKept(file) {
  const name = path.basename(file);
  if (/\.(map|md|cc|ts|mts|cts|tsx|flow)$/.test(name) && !file.includes(`${path.sep}binding${path.sep}`))
    return false;
  // Bundles of TensorFlow.js for browsers; Node loads `tf-core.node.js` and the like.
  if (/^tf(-[a-z]+)*(\.es2017|\.fesm)?(\.min)?\.js$/.test(name)) return false;
  if (file.includes(`${path.sep}webgpu${path.sep}dist${path.sep}`)) return file.includes(platform);
  // Linked from the cache where it is unpacked.
  if (name === 'tfjs_binding.node') return false;
  // Sources of TensorFlow.js; in other packages `src` may be what runs.
  return !/@tensorflow[\\/][^\\/]+[\\/]src$/.test(file);
}

/** A copy; of scripts without the maps that stand inside them. */
function take(folder) {
  const target = path.join(into, path.relative(root, folder));
  cpSync(folder, target, {
    recursive: true,
    dereference: true,
    filter: (file, to) => {
      if (path.basename(file) === 'node_modules' && file !== folder) return false;
      if (file === folder || file.endsWith(`${path.sep}webgpu${path.sep}dist`)) return true;
      if (!isKept(file)) return false;
      if (!file.endsWith('.js')) return true;
      const text = readFileSync(file, 'utf8');
      const bare = text.replace(/^\/\/# sourceMappingURL=.*$/gm, '');
      if (bare === text) return true;
      maps.push([to, bare]);
      return true;
    },
  });
  for (const [file, text] of maps.splice(0)) writeFileSync(file, text);
}
const maps = [];
for (const folder of folders) take(folder);
console.log(`  ${folders.size} packages`);
