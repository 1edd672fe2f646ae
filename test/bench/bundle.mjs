// TypeScript of the bench as something that plain Node can load: bundled, with the library taken from dist/.
import { build } from 'esbuild';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');

/** Everything under src/ is the built library, one copy of it in the process. */
const fromDist = {
  name: 'library from dist',
  setup(bundler) {
    bundler.onResolve({ filter: /\/src\// }, ({ path: wanted, resolveDir }) => {
      const file = path.relative(path.join(root, 'src'), path.resolve(resolveDir, wanted));
      return { path: path.join(root, 'dist', `${file}.js`), external: true };
    });
  },
};

/** Bundle a file of test/bench, and say where it is now. @param entry  its path in test/bench: `steps/main.ts` */
export async function bundled(entry) {
  const folder = path.join(root, '.cache/bench');
  mkdirSync(folder, { recursive: true });
  const outfile = path.join(folder, `${path.basename(entry, '.ts')}.cjs`);
  await build({
    entryPoints: [path.join(here, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    sourcemap: 'inline',
    logLevel: 'warning',
    plugins: [fromDist],
  });
  return outfile;
}
