// Compiling the package's own binding against the libraries of the wheel.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { include_dir } from 'node-api-headers';
import { noCompiler, notCompiled } from './messages';
import { lastWords, runProgram } from './run-program';

export const bindingName = 'tfjs_binding.node';

const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'];
const flags = ['-shared', '-fPIC', '-O2', '-std=c++17', '-DNAPI_VERSION=8'];
const libraries = ['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'];
/** The binding finds the libraries from where it lies itself: the cache may have any name, and may be moved. */
const runPath = '-Wl,-rpath,$ORIGIN/../tensorflow';

/** A command that starts a C++ compiler; `CXX` alone where it is set. @throws InputError when there is none */
export async function findCompiler(signal?: AbortSignal): Promise<readonly string[]> {
  const own = process.env.CXX?.trim();
  const candidates = own ? [own.split(/\s+/)] : [['g++'], ['c++'], ['clang++']];
  for (const command of candidates) {
    const { code } = await runProgram([...command, '--version'], { signal, timeout: 60_000 });
    if (code === 0) return command;
  }
  throw noCompiler(candidates.map((command) => command.join(' ')));
}

/** Tells builds apart: the binding's sources and how they are compiled. */
export function buildKey(packageDir: string): string {
  const hash = createHash('sha256').update([...flags, ...libraries, runPath].join('\n'));
  const dir = path.join(packageDir, 'binding');
  for (const name of readdirSync(dir).sort()) hash.update(name).update(readFileSync(path.join(dir, name)));
  return hash.digest('hex').slice(0, 16);
}

/**
 * Compile the binding.
 * @param packageDir  npm's package, with its `binding/` folder
 * @param root        the folder that holds `tensorflow/` with libraries and headers
 * @param out         the file to make, in a folder beside `tensorflow/`
 * @throws InputError with what the compiler said; Interrupted
 */
export async function compileBinding(
  compiler: readonly string[],
  packageDir: string,
  root: string,
  out: string,
  signal?: AbortSignal,
): Promise<void> {
  const libraryDir = path.join(root, 'tensorflow');
  const { code, stderr } = await runProgram(
    [
      ...compiler,
      ...flags,
      `-I${include_dir}`,
      `-I${path.join(libraryDir, 'include')}`,
      ...sources.map((name) => path.join(packageDir, 'binding', name)),
      '-o',
      out,
      `-L${libraryDir}`,
      ...libraries,
      runPath,
    ],
    // Messages in English: they may end up in a report.
    { signal, env: { ...process.env, LC_ALL: 'C' } },
  );
  if (code === 0) return;
  const first = stderr.split('\n').find((line) => /error|undefined reference|not found/i.test(line));
  throw notCompiled(compiler.join(' '), (first ?? lastWords(stderr)).trim().slice(0, 400) || 'nothing');
}
