// `coc native install`: fetch, unpack, compile, check, link. What was done before is not done again; nothing is seen in
// its place before it is whole, and no binding before it was found to compute rightly.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, Interrupted } from '../../base/errors';
import { diskError, temporaryName, writeJsonAtomic } from '../../base/files';
import type { Long } from '../../base/progress';
import { formatBytes, formatSeconds } from '../../base/progress';
import { claim, ownerOf } from '../../results/run-claim';
import { checkBinding } from './check';
import { compileBinding, findCompiler } from './compile';
import type { Host } from './host';
import { thisHost } from './host';
import { damagedWheel, musl, noPackage, noSpace, notRight, oldGlibc, otherPlatform } from './messages';
import { bytesToFetch, fetchWheel, findPip } from './pip';
import type { Form, Wheel } from './recipe';
import { glibcNeeded } from './recipe';
import type { NativeState } from './state';
import {
  bindingOf,
  cudaDir,
  downloadsOf,
  hasLibraries,
  installedBinding,
  linkBinding,
  missingCuda,
  rootOf,
  unpackedMark,
} from './state';
import { unpackWheel } from './unpack';

export interface InstallOptions extends Long {
  /** Absent: for cards where `nvidia-smi` answers, else for the processor. */
  form?: Form;
  /** Receives what is done, a line at a time. */
  say?: (line: string) => void;
}

/**
 * Install native TensorFlow, or what is missing of it.
 * @returns the state afterwards
 * @throws InputError with the reason and what to do, nothing half-made; Interrupted (parts of downloads are kept)
 */
export async function installNative(
  { form, say = () => undefined, ...long }: InstallOptions = {},
  host: Host = thisHost(),
): Promise<NativeState> {
  requireMachine(host);
  const cards = form === 'cpu' ? [] : await host.cards(long.signal);
  if (form) return installForm(form, cards, say, long, host);
  if (cards.length === 0) return installForm('cpu', cards, say, long, host);
  try {
    return await installForm('gpu', cards, say, long, host);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    say(`${error.message} The form for the processor is installed instead.`);
    return installForm('cpu', [], say, long, host);
  }
}

/** @throws InputError when the libraries cannot run on this machine */
function requireMachine({ platform, arch, glibc }: Host): void {
  if (platform !== 'linux' || arch !== 'x64') throw otherPlatform(platform, arch);
  const found = glibc();
  if (found === undefined) throw musl();
  const [major, minor] = found.split('.').map(Number);
  const [wantedMajor, wantedMinor] = glibcNeeded.split('.').map(Number);
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) throw oldGlibc(found);
}

/** What an install would do. */
export type Prospect =
  | { state: 'to install'; form: Form; fetchBytes: number; diskBytes: number }
  | { state: 'impossible'; reason: string };

/** What `installNative` would do, as far as can be told without fetching anything. */
export async function nativeProspect(host: Host = thisHost()): Promise<Prospect> {
  try {
    requireMachine(host);
    const cards = await host.cards();
    const form = cards.length > 0 ? 'gpu' : 'cpu';
    if (host.packageDir(form) === undefined) throw noPackage(form);
    await findCompiler();
    const wheels = missingWheels(host, form, cards.length > 0);
    if (wheels.length > 0) await findPip();
    return { state: 'to install', form, ...sizesOf(wheels, host) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { state: 'impossible', reason: error.message };
  }
}

function sizesOf(wheels: readonly Wheel[], host: Host): { fetchBytes: number; diskBytes: number } {
  const downloads = downloadsOf(host);
  return {
    fetchBytes: wheels.reduce((sum, wheel) => sum + bytesToFetch(wheel, downloads), 0),
    diskBytes: wheels.reduce((sum, wheel) => sum + wheel.keptBytes, 0),
  };
}

/** What is still to be fetched and unpacked of a form. */
function missingWheels(host: Host, form: Form, withCards: boolean): Wheel[] {
  const libraries = hasLibraries(host, form) ? [] : [host.recipe.wheels[form]];
  return [...libraries, ...(form === 'gpu' && withCards ? missingCuda(host) : [])];
}

async function installForm(
  form: Form,
  cards: readonly string[],
  say: (line: string) => void,
  long: Long,
  host: Host,
): Promise<NativeState> {
  const withCards = cards.length > 0;
  const packageDir = host.packageDir(form);
  if (packageDir === undefined) throw noPackage(form);
  if (!isWhole(host, form, withCards)) {
    // Before anything is fetched: what would be missed at the end.
    const compiler = await findCompiler(long.signal);
    try {
      mkdirSync(host.home, { recursive: true });
      await alone(host.home, say, long, () =>
        complete({ form, cards, packageDir, compiler, say, long, host }),
      );
    } catch (error) {
      throw diskError(error, host.home, 'make room or give permission, or name another folder by COC_CACHE');
    }
  }
  if (form === 'gpu' && !withCards) {
    const bytes = host.recipe.cuda.reduce((sum, wheel) => sum + wheel.bytes, 0);
    say(
      `No NVIDIA card answers (nvidia-smi): it computes on the processor, and NVIDIA's libraries (${formatBytes(bytes)}) were not fetched.`,
    );
  }
  const state = linkBinding(host);
  if (state.installed !== form)
    say(
      `Installed for ${placeOfWork[form]}; here the form for ${placeOfWork[state.installed!]} is used (COC_NATIVE_FORM=${form} uses the other).`,
    );
  return state;
}

const placeOfWork: Record<Form, string> = { cpu: 'the processor', gpu: 'NVIDIA cards' };

function isWhole(host: Host, form: Form, withCards: boolean): boolean {
  return installedBinding(host, form) !== undefined && missingWheels(host, form, withCards).length === 0;
}

/** Do something while no other process installs; waits for one that does. @throws Interrupted */
async function alone(
  home: string,
  say: (line: string) => void,
  { signal }: Long,
  work: () => Promise<void>,
): Promise<void> {
  let held = claim(home);
  if (!held) say(`Waiting for another install of native TensorFlow (${ownerOf(home) ?? 'just ended'}).`);
  while (!held) {
    await sleep(500, undefined, { signal }).catch(() => {
      throw new Interrupted('the install of native TensorFlow');
    });
    held = claim(home);
  }
  try {
    sweep(home);
    await work();
  } finally {
    held.release();
  }
}

/** What a process left that was killed: as this one is alone, every temporary name is of the dead. */
function sweep(home: string): void {
  for (const entry of readdirSync(home, { withFileTypes: true })) {
    const file = path.join(home, entry.name);
    if (entry.name.endsWith('.tmp')) rmSync(file, { recursive: true, force: true });
    else if (entry.isDirectory() && entry.name.startsWith('tensorflow-')) sweep(file);
  }
}

interface Job {
  form: Form;
  cards: readonly string[];
  packageDir: string;
  compiler: readonly string[];
  say: (line: string) => void;
  long: Long;
  host: Host;
}

async function complete(job: Job): Promise<void> {
  const { form, cards, host } = job;
  // Another process may have done all of it while this one waited.
  const wheels = missingWheels(host, form, cards.length > 0);
  if (wheels.length > 0) await fetchAndUnpack(wheels, job);
  if (!installedBinding(host, form)) await build(job);
  else if (wheels.length > 0) await check(job, bindingOf(host, form)!);
}

async function fetchAndUnpack(wheels: readonly Wheel[], { form, host, say, long }: Job): Promise<void> {
  const downloads = downloadsOf(host);
  const { fetchBytes, diskBytes } = sizesOf(wheels, host);
  // One wheel at a time lies beside what is unpacked.
  const needed = diskBytes + Math.max(...wheels.map((wheel) => bytesToFetch(wheel, downloads))) + 1e6;
  const free = host.freeBytes(host.home);
  say(
    `TensorFlow ${host.recipe.version} for ${placeOfWork[form]}: ${formatBytes(fetchBytes)} to fetch by pip, ` +
      `${formatBytes(diskBytes)} on disk (${formatBytes(free)} free), in ${host.home}`,
  );
  if (free < needed) throw noSpace(host.home, free, needed);
  const pip = await findPip(long.signal);
  for (const wheel of wheels) {
    const file = await fetchWheel(pip, wheel, downloads, long);
    await unpack(file, wheel, form, host, long);
    rmSync(file, { force: true });
  }
}

/** Unpack under a temporary name, and rename. */
async function unpack(file: string, wheel: Wheel, form: Form, host: Host, long: Long): Promise<void> {
  const root = rootOf(host, form);
  const isLibrary = wheel === host.recipe.wheels[form];
  const folder = isLibrary ? path.dirname(unpackedMark) : cudaDir(wheel);
  const temporary = temporaryName(root);
  try {
    const files = await unpackWheel(file, wheel, temporary, long);
    if (isLibrary) writeJsonAtomic(path.join(temporary, unpackedMark), { wheel: wheel.sha256, files });
    if (!existsSync(path.join(temporary, folder))) throw damagedWheel(wheel, `no folder ${folder} in it`);
    replaceFolder(path.join(temporary, folder), path.join(root, folder));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Compile and check under a temporary name, and rename. */
async function build(job: Job): Promise<void> {
  const { form, packageDir, compiler, say, long, host } = job;
  const binding = bindingOf(host, form)!;
  const temporary = temporaryName(path.dirname(binding));
  try {
    mkdirSync(temporary, { recursive: true });
    say(`Compiling the binding with ${compiler.join(' ')} (10 s or more).`);
    const began = performance.now();
    const made = path.join(temporary, path.basename(binding));
    await compileBinding(compiler, packageDir, rootOf(host, form), made, long.signal);
    await check(job, made);
    replaceFolder(temporary, path.dirname(binding));
    const seconds = formatSeconds((performance.now() - began) / 1000);
    say(`Compiled and checked (a known product, a known gradient) in ${seconds}.`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @throws InputError when the binding does not compute rightly, or not where it should */
async function check({ form, cards, packageDir, say, long, host }: Job, binding: string): Promise<void> {
  const { tensorflow, usesCard } = await checkBinding(form, packageDir, binding, long.signal);
  if (tensorflow !== host.recipe.version)
    throw notRight(form, `TensorFlow ${tensorflow} in place of ${host.recipe.version}`);
  if (cards.length === 0) return;
  if (!usesCard) throw notRight(form, `TensorFlow does not find ${cards.join(', ')}, which nvidia-smi names`);
  say(`TensorFlow computes on ${cards.join(', ')}.`);
}

/** What stands in the place is not whole, or it would not be made anew. */
function replaceFolder(from: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true });
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
}
