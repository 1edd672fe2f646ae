// The identity of a run: what must change before it is run again.
//
// Hashed are: the spec, the code the run really imports (bundled and minified, so that comments, formatting and
// unused exports do not count), the locked integrity of the packages that code imports, the data's digests and the
// backend.
// Prose, device and Node version are not in it: they explain drift, they do not cause a run.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { readJson } from '../base/files';
import { sha256, sha256OfValue } from '../base/hash';
import { repoRoot } from '../base/paths';
import type { Identity } from './result';

export type { Identity } from './result';

/** The name the code itself has in the bundle. */
const cells = 'cells.ts';

interface LockEntry {
  version?: string;
  integrity?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

interface Options {
  /** The folder the code stands in; relative imports start there. */
  resolveDir: string;
  /** The parameters of the run. */
  spec?: unknown;
  /** Digests of data files or generators, by name. */
  data?: Record<string, string>;
  /** What computes, and its versions. */
  backend?: Record<string, string>;
  /** The clone; tests give another. */
  root?: string;
}

/**
 * The identity of a run.
 * @param source  its code: TypeScript text, or the joined cells of a notebook; imports of `dist/` count as of `src/`
 * @throws the bundler's error when the code or something it imports does not parse or resolve
 */
export async function identityOf(
  source: string,
  { resolveDir, spec = {}, data = {}, backend = {}, root = repoRoot }: Options,
): Promise<Identity> {
  const external = new Set<string>();
  const bundled = await build({
    stdin: { contents: source, resolveDir, loader: 'ts', sourcefile: cells },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    absWorkingDir: root,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    logLevel: 'silent',
    plugins: [
      {
        name: 'ours-to-src-rest-external',
        setup(b) {
          b.onResolve({ filter: /.*/ }, (args) => {
            if (args.kind === 'entry-point') return undefined;
            if (!args.path.startsWith('.') && !path.isAbsolute(args.path)) {
              external.add(args.path);
              return { path: args.path, external: true };
            }
            const target = path.resolve(args.resolveDir, args.path);
            const inDist = path.relative(path.join(root, 'dist'), target);
            const outside = inDist.startsWith('..') || path.isAbsolute(inDist);
            const file = sourceFile(outside ? target : path.join(root, 'src', inDist));
            return existsSync(file) ? { path: file, sideEffects: false } : undefined;
          });
        },
      },
    ],
  });
  const code = sha256(bundled.outputFiles[0].text);
  const outputs = Object.values(bundled.metafile.outputs)[0].inputs;
  const modules: Record<string, string> = {};
  for (const [file, part] of Object.entries(outputs)) {
    // What tree shaking removed contributes nothing and does not count.
    if (part.bytesInOutput > 0 && path.resolve(root, file) !== path.resolve(resolveDir, cells)) {
      const absolute = path.resolve(root, file);
      modules[path.relative(root, absolute)] = await minified(absolute);
    }
  }
  const packages = lockedPackages([...external], path.join(root, 'package-lock.json'));
  const parts = { spec: sha256OfValue(spec), code, packages, data, backend };
  return { hash: sha256OfValue(parts), modules, ...parts };
}

function sourceFile(target: string): string {
  for (const candidate of [`${target}.ts`, path.join(target, 'index.ts')])
    if (existsSync(candidate)) return candidate;
  return target;
}

async function minified(file: string): Promise<string> {
  const text = await build({
    entryPoints: [file],
    bundle: false,
    minify: true,
    write: false,
    format: 'esm',
    logLevel: 'silent',
  });
  return sha256(text.outputFiles[0].text);
}

/** The packages behind some import names and all they depend on, as the lock file pins them. */
function lockedPackages(imports: string[], lockFile: string): Record<string, string> {
  const lock = readJson(lockFile) as { packages: Record<string, LockEntry> };
  const found: Record<string, string> = {};
  const visit = (name: string, from: string): void => {
    // npm's rule: the nearest node_modules on the way up.
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
      const key = `${at ? `${at}/` : ''}node_modules/${name}`;
      const entry = lock.packages[key];
      if (entry) {
        if (found[key]) return;
        found[key] = `${entry.version ?? ''} ${entry.integrity ?? 'no integrity'}`;
        for (const next of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }))
          visit(next, key);
        return;
      }
      if (at === '') return; // optional and not in the lock
    }
  };
  for (const name of imports) {
    if (name.startsWith('node:')) continue;
    const parts = name.split('/');
    visit(name.startsWith('@') ? `${parts[0]}/${parts[1]}` : parts[0], '');
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}
