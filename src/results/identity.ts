// The identity of a run: what must change before it is run again.
//
// Hashed are: the spec, the code the run really imports (bundled and minified, so that comments, formatting and
// unused exports do not count), the locked integrity of the packages that code imports, the data's digests and the
// backend.
// Prose, device and Node version are not in it: they explain drift, they do not cause a run.
import path from 'node:path';
import { readJson } from '../base/files';
import { sha256OfValue } from '../base/hash';
import { repoRoot } from '../base/paths';
import { bundleOf } from './bundle';
import type { Identity } from './result';

export type { Identity } from './result';

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
  const { code, modules, imports } = await bundleOf(source, resolveDir, root);
  const packages = lockedPackages(imports, path.join(root, 'package-lock.json'));
  const parts = { spec: sha256OfValue(spec), code, packages, data, backend };
  return { hash: sha256OfValue(parts), modules, ...parts };
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
