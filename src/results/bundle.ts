// The code that a run really imports: one minified bundle, so that comments, formatting and unused exports do not count.
//
// Bundling takes a tenth of a second to a second. A bundle is found again as long as every file that it was made from,
// and the list of files that imports are looked up in, is the same to the byte.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { BuildOptions } from 'esbuild';
import { build, transform, version } from 'esbuild';
import { z } from 'zod';
import { keepNewest, writeJsonAtomic } from '../base/files';
import { sha256, sha256OfValue } from '../base/hash';
import { cacheDir } from '../base/paths';

/** The name the code itself has in the bundle. */
const cells = 'cells.ts';

/** Raise it when bundles are made in another way: those that are kept are then made anew. */
const format = 2;

/** How many bundles are kept; some ten kilobytes each. */
const kept = 300;

const bundleSchema = z.strictObject({
  /** Hash of the minified bundle. */
  code: z.string(),
  /** Every file of ours that is in it, by path below the root, with the hash of what it gives to the bundle. */
  modules: z.record(z.string(), z.string()),
  /** The names by which packages are imported. */
  imports: z.array(z.string()),
});

/** What is known of some code. */
export type Bundle = z.infer<typeof bundleSchema>;

const keptSchema = z.strictObject({
  bundle: bundleSchema,
  /** Every file that was read, used or not, with the hash of its content. */
  files: z.record(z.string(), z.string()),
  /** Hash of the names of all files below src/: a new one may be what an import means. */
  names: z.string(),
});

/**
 * Bundle some code, or find its bundle.
 * @param source      TypeScript text; imports of `dist/` count as of `src/`
 * @param resolveDir  the folder its relative imports start from
 * @param root        the clone
 * @throws the bundler's error when the code or something it imports does not parse or resolve
 */
export async function bundleOf(source: string, resolveDir: string, root: string): Promise<Bundle> {
  const place = path.relative(root, resolveDir);
  const file = cacheDir('bundles', `${sha256OfValue({ source, place, version, format })}.json`);
  const names = sha256OfValue(sourceNames(path.join(root, 'src')));
  const found = read(file);
  if (found?.names === names && Object.entries(found.files).every(([f, hash]) => hashOf(root, f) === hash))
    return found.bundle;
  const { bundle, files } = await makeBundle(source, resolveDir, root);
  writeJsonAtomic(file, { bundle, files, names });
  keepNewest(path.dirname(file), kept);
  return bundle;
}

async function makeBundle(
  source: string,
  resolveDir: string,
  root: string,
): Promise<{ bundle: Bundle; files: Record<string, string> }> {
  const external = new Set<string>();
  const options = {
    stdin: { contents: source, resolveDir, loader: 'ts', sourcefile: cells },
    bundle: true,
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
            // What is loaded to compute on is the identity's `backend`; nothing else of that room is loaded this way.
            const backends = path.join(root, 'src', 'backends') + path.sep;
            if (
              args.kind === 'dynamic-import' &&
              target.startsWith(backends) &&
              !args.importer.startsWith(backends)
            )
              return { path: args.path, external: true };
            const inDist = path.relative(path.join(root, 'dist'), target);
            const outside = inDist.startsWith('..') || path.isAbsolute(inDist);
            const file = sourceFile(outside ? target : path.join(root, 'src', inDist));
            return existsSync(file) ? { path: file, sideEffects: false } : undefined;
          });
        },
      },
    ],
  } satisfies BuildOptions;
  const [bundled, plain] = await Promise.all([
    build({ ...options, minify: true }),
    // Minified, the modules run into each other; this one tells which text is whose.
    build({ ...options, legalComments: 'none' }),
  ]);
  const own = path.relative(root, path.resolve(resolveDir, cells));
  const isOwn = (file: string): boolean => path.relative(root, path.resolve(root, file)) === own;
  const modules: Record<string, string> = {};
  for (const [file, text] of partsOf(plain.outputFiles[0].text, Object.keys(plain.metafile.inputs))) {
    if (!isOwn(file)) modules[file] = await minified(text);
  }
  const files: Record<string, string> = {};
  for (const file of Object.keys(bundled.metafile.inputs))
    if (!isOwn(file)) files[file] = hashOf(root, file)!;
  const code = sha256(bundled.outputFiles[0].text);
  return { bundle: { code, modules, imports: [...external].sort() }, files };
}

function sourceFile(target: string): string {
  for (const candidate of [`${target}.ts`, path.join(target, 'index.ts')])
    if (existsSync(candidate)) return candidate;
  return target;
}

function sourceNames(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
}

function hashOf(root: string, file: string): string | undefined {
  try {
    return sha256(readFileSync(path.resolve(root, file)));
  } catch {
    return undefined;
  }
}

/** What each file gives to a bundle: its text stands below a line `// src/file.ts`. What is not used is not there. */
function partsOf(bundle: string, files: readonly string[]): Map<string, string> {
  const known = new Set(files);
  const parts = new Map<string, string[]>();
  let lines: string[] | undefined;
  for (const line of bundle.split('\n')) {
    const file = line.startsWith('// ') ? line.slice(3) : '';
    // The last statement says what the whole bundle exports.
    if (known.has(file)) parts.set(file, (lines = parts.get(file) ?? []));
    else if (line === 'export {') lines = undefined;
    else lines?.push(line);
  }
  return new Map([...parts].map(([file, text]) => [file, text.join('\n')]));
}

/** Hashes of minified texts by the text: studies share most of their modules. */
const minifiedTexts = new Map<string, string>();

/** The hash of a text without its comments and layout. */
async function minified(text: string): Promise<string> {
  const key = sha256(text);
  const known =
    minifiedTexts.get(key) ??
    sha256((await transform(text, { loader: 'js', minifyWhitespace: true, logLevel: 'silent' })).code);
  minifiedTexts.set(key, known);
  return known;
}

/** A bundle that was kept; undefined where there is none, or none that can be read. */
function read(file: string): z.infer<typeof keptSchema> | undefined {
  try {
    return keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
