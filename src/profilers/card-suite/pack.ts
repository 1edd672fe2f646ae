// Archives for a machine with a card and without Node, network or rights: `webgpu` has Node, the built code, the npm packages and
// Vulkan's loader; `tensorflow` has TensorFlow's libraries, which the first finds where both are unpacked. start.sh is what runs there.
import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { thisHost } from '../../backends/native/host';
import { fetchWheel, findPip } from '../../backends/native/pip';
import { recipe } from '../../backends/native/recipe';
import { installedBinding, rootOf, unpackedMark } from '../../backends/native/state';
import { unpackWheel } from '../../backends/native/unpack';
import { InputError, messageOf } from '../../base/errors';
import { readJson, writeJsonAtomic } from '../../base/files';
import { inRepo } from '../../base/paths';
import type { Long } from '../../base/progress';
import { suiteCode, codeFile } from './code';
import { keepMachineCode } from './machine-code';
import { writeNets } from './nets';
import { copyModules } from './pack-modules';
import type { ArchivePart } from './pack-parts';
import { cutIntoParts } from './pack-parts';

const MiB = 2 ** 20;

/** Bytes of a part at most, by archive; webgpu must fit in one. */
const most = { webgpu: 36 * MiB, tensorflow: 34 * MiB };

export interface PackOptions extends Long {
  /** Compute capabilities whose machine code is kept: 90 for the H100. */
  archs: readonly number[];
  /** Take Vulkan's loader and the X libraries along. */
  gl: boolean;
  /** Of xz, 0 to 9. */
  level: number;
  say?: (line: string) => void;
}

/** One archive, as it lies in the folder. */
export interface Archive {
  name: keyof typeof most;
  parts: ArchivePart[];
  bytes: number;
  /** What it took to make. */
  seconds: number;
}

export interface Packed {
  dir: string;
  /** Of the code in it. */
  commit: string;
  archives: Archive[];
}

/**
 * Make the archives.
 * @throws InputError when a program, a package or native TensorFlow is missing, or webgpu does not fit; Interrupted
 */
export async function makePack(dir: string, options: PackOptions): Promise<Packed> {
  const { archs, gl, level, say = () => undefined, ...long } = options;
  await requireTools(gl);
  const binding = installedBinding(thisHost(), 'gpu');
  if (binding === undefined)
    throw unusable(
      "TensorFlow's form for cards is not installed",
      "its libraries and the binding, in this user's cache",
      'run `npx coc native install --gpu` first (no card is needed)',
    );
  const code = await suiteCode();
  if (code.dirty)
    say(
      `The code differs from the commit ${code.commit.slice(0, 12)}: a record of this pack cannot be imported.`,
    );
  mkdirSync(dir, { recursive: true });
  const work = mkdtempSync(path.join(os.tmpdir(), 'card-suite-'));
  try {
    const archives: Archive[] = [];
    const archive = async (name: Archive['name'], stage: (into: string) => Promise<void>): Promise<void> => {
      const began = performance.now();
      const into = path.join(work, name);
      mkdirSync(into, { recursive: true });
      say(`${name}: gathering`);
      await stage(into);
      say(`${name}: packing`);
      const parts = await packed(into, dir, name, level, long);
      const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
      archives.push({ name, parts, bytes, seconds: (performance.now() - began) / 1000 });
      rmSync(into, { recursive: true });
    };
    await archive('webgpu', async (into) => {
      await stageProgram(into);
      writeJsonAtomic(codeFile(path.join(into, 'clone')), code);
      if (gl) await stageLoaders(into, path.join(work, 'debs'));
    });
    await archive('tensorflow', (into) =>
      stageTensorflow(into, { binding, archs, wheels: path.join(work, 'wheels'), say, long }),
    );
    const [{ parts }] = archives;
    if (parts.length > 1)
      throw unusable(
        `an archive webgpu of ${(archives[0].bytes / MiB).toFixed(1)} MiB`,
        `one part of at most ${most.webgpu / MiB} MiB`,
        'give --no-gl or a higher --level',
      );
    copyFileSync(inRepo('src', 'profilers', 'card-suite', 'start.sh'), path.join(dir, 'start.sh'));
    return { dir: path.resolve(dir), commit: code.commit, archives };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function unusable(given: string, expected: string, fix: string): InputError {
  return new InputError({ what: 'cannot make the archives', given, expected, fix });
}

/** Programs that are needed, and the packages that have them. */
const tools: Record<string, string> = { tar: 'tar', xz: 'xz-utils', strip: 'binutils' };
const loaderTools: Record<string, string> = { 'apt-get': 'apt', dpkg: 'dpkg' };

/** @throws InputError naming every program that is missing */
export async function requireTools(
  gl: boolean,
  needed = { ...tools, ...(gl ? loaderTools : {}) },
): Promise<void> {
  if (`${process.platform}-${process.arch}` !== 'linux-x64')
    throw unusable(
      `${process.platform}-${process.arch}`,
      'Linux on x64, as on the machine with the card',
      'pack there',
    );
  const missing: string[] = [];
  for (const program of Object.keys(needed))
    await promisify(execFile)(program, ['--version']).catch(() => missing.push(program));
  if (missing.length === 0) return;
  const install = `install them (Debian, Ubuntu: \`sudo apt install ${missing.map((name) => needed[name]).join(' ')}\`)`;
  const without = missing.some((name) => name in loaderTools) ? ', or give --no-gl' : '';
  throw unusable(`no ${missing.join(', no ')}`, 'these programs', install + without);
}

/** @throws InputError with the program's last words */
async function run(program: string, args: readonly string[], cwd?: string): Promise<void> {
  try {
    await promisify(execFile)(program, [...args], { cwd });
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    const last = stderr.trim().split('\n').at(-1) ?? '';
    throw new InputError(
      {
        what: 'cannot make the archives',
        given: `${program} ${args[0]} failed: ${last || messageOf(error)}`,
        expected: 'a program that does its work',
        fix: program === 'apt-get' ? 'run it on Debian or Ubuntu, or give --no-gl' : `see to ${program}`,
      },
      { cause: error },
    );
  }
}

/** Node, and what of this clone runs. */
async function stageProgram(into: string): Promise<void> {
  const node = path.join(into, 'node');
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  await run('strip', ['--strip-all', node]);
  const clone = path.join(into, 'clone');
  cpSync(inRepo('dist'), path.join(clone, 'dist'), {
    recursive: true,
    filter: (file) => !/\.(d\.ts|map)$/.test(file) && path.basename(file) !== '.stamp',
  });
  // Dry runs are kept by the versions that the second of these locks.
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(inRepo(file), path.join(clone, file));
  // PyTorch's side.
  const programs = path.join('src', 'profilers', 'card-suite');
  const scripts = readdirSync(inRepo(programs)).filter((name) => name.endsWith('.py'));
  const peers = path.join('test', 'bench', 'peers');
  for (const file of [...scripts.map((name) => path.join(programs, name)), peers])
    cpSync(inRepo(file), path.join(clone, file), {
      recursive: true,
      filter: (name) => !name.endsWith('__pycache__'),
    });
  copyModules(inRepo(), clone);
  await writeNets(clone, './dist');
  const machineCode = readdirSync(clone, { recursive: true, encoding: 'utf8' }).filter((f) =>
    f.endsWith('.node'),
  );
  for (const file of machineCode) await run('strip', ['--strip-unneeded', path.join(clone, file)]);
}

/** Debian's packages of Vulkan's loader and of what NVIDIA's driver for it asks for; start.sh uses what a machine lacks. */
const loaders = [
  ...['libvulkan1', 'libegl1', 'libglvnd0', 'libopengl0', 'libgl1', 'libglx0', 'libgles2'],
  ...['libx11-6', 'libxext6', 'libxcb1', 'libxau6', 'libxdmcp6', 'libbsd0', 'libmd0'],
];

async function stageLoaders(into: string, debs: string): Promise<void> {
  mkdirSync(debs, { recursive: true });
  await run('apt-get', ['-qq', 'download', ...loaders], debs);
  const unpacked = path.join(debs, 'unpacked');
  for (const deb of readdirSync(debs).filter((file) => file.endsWith('.deb')))
    await run('dpkg', ['-x', path.join(debs, deb), unpacked]);
  const lib = path.join(into, 'lib');
  mkdirSync(lib);
  for (const entry of readdirSync(unpacked, { recursive: true, withFileTypes: true }))
    if (/\.so\.\d/.test(entry.name))
      cpSync(path.join(entry.parentPath, entry.name), path.join(lib, entry.name), { verbatimSymlinks: true });
}

const markSchema = z.looseObject({ files: z.record(z.string(), z.number()) });

/** TensorFlow's libraries with machine code for some cards alone, the binding, and CUDA's runtime library. */
async function stageTensorflow(
  into: string,
  given: {
    binding: string;
    archs: readonly number[];
    wheels: string;
    say: (line: string) => void;
    long: Long;
  },
): Promise<void> {
  const { binding, archs, wheels, say, long } = given;
  const from = rootOf(thisHost(), 'gpu');
  const to = path.join(into, 'cache', 'native', path.basename(from));
  mkdirSync(path.join(to, 'tensorflow'), { recursive: true });
  cpSync(path.dirname(binding), path.join(to, path.basename(path.dirname(binding))), { recursive: true });
  const sizes: Record<string, number> = {};
  for (const library of ['cc', 'framework']) {
    const name = path.join('tensorflow', `libtensorflow_${library}.so.2`);
    const bytes = readFileSync(path.join(from, name));
    const { kept, cleared } = keepMachineCode(bytes, new Set(archs));
    if (cleared > 0 && kept === 0)
      throw unusable(
        `no machine code for ${archs.join(', ')} in ${name}`,
        'cards that TensorFlow has kernels for: 60, 70, 80, 89, 90',
        'give others by --archs',
      );
    say(
      `${name}: ${(kept / 1e6).toFixed(0)} MB of machine code kept, ${(cleared / 1e6).toFixed(0)} MB cleared`,
    );
    writeFileSync(path.join(to, name), bytes);
    await run('strip', ['--strip-all', path.join(to, name)]);
    sizes[name] = statSync(path.join(to, name)).size;
  }
  // The cache knows its files by their sizes: stripped libraries have others.
  const mark = markSchema.parse(readJson(path.join(from, unpackedMark)));
  writeJsonAtomic(path.join(to, unpackedMark), { ...mark, files: sizes });
  // Functions of the runtime library are looked up with their versions: no other release can take its place.
  const runtime = recipe.cuda.find(({ project }) => project.startsWith('nvidia-cuda-runtime-'))!;
  const file = await fetchWheel(await findPip(long.signal), runtime, wheels, long);
  await unpackWheel(file, runtime, to, long);
}

/** A folder as an archive, in parts. The same folder gives the same bytes. */
async function packed(
  folder: string,
  dir: string,
  name: Archive['name'],
  level: number,
  { signal }: Long,
): Promise<ArchivePart[]> {
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];
  const tar = spawn('tar', ['-C', folder, ...same, '-cf', '-', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
  });
  const xz = spawn('xz', ['-T0', `-${level}`, '-c'], { stdio: ['pipe', 'pipe', 'inherit'], signal });
  const ended = (child: typeof xz | typeof tar, program: string): Promise<void> =>
    new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        if (code === 0) resolve();
        else reject(unusable(`${program} ended with ${code}`, 'an archive', 'look for room on the disk'));
      });
    });
  const [parts] = await Promise.all([
    cutIntoParts(xz.stdout as AsyncIterable<Buffer>, dir, name, most[name]),
    pipeline(tar.stdout, xz.stdin),
    ended(tar, 'tar'),
    ended(xz, 'xz'),
  ]);
  return parts;
}
