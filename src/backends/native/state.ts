// Where native TensorFlow lies, whether it is whole, and putting its binding beside npm's package.
//
// The cache holds, for each form, a folder with `tensorflow/` (libraries, headers), `nvidia/` where a card answered, and
// `binding-<key>/tfjs_binding.node`. npm's package gets a link to that file, since `npm ci` removes whatever lies there.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../../base/errors';
import { diskError, readJson, temporaryName } from '../../base/files';
import { bindingName, buildKey } from './compile';
import type { Host } from './host';
import { thisHost } from './host';
import type { Form, Wheel } from './recipe';
import { forms, packageOf } from './recipe';

/** Native TensorFlow on this machine. */
export interface NativeState {
  /** The form that is loaded; null when there is none. */
  installed: Form | null;
  /** The npm package to load. */
  package: string | null;
  /** TensorFlow's version; null when unknown (a binary that is not ours). */
  tensorflow: string | null;
  /** The folder of the libraries, or the binary that is not ours. */
  where: string | null;
  /** What is missing though something is there, or why nothing is used. */
  problem?: string;
}

/** Everything of one form. */
export function rootOf(host: Host, form: Form): string {
  return path.join(host.home, `tensorflow-${host.recipe.version}-${form}`);
}

/** Where wheels are fetched to. */
export function downloadsOf(host: Host): string {
  return path.join(host.home, 'downloads');
}

/** Written last into an unpacked wheel: the sizes of its files. */
export const unpackedMark = path.join('tensorflow', 'unpacked.json');
const Unpacked = z.object({ files: z.record(z.string(), z.number()) });

/** Whether libraries and headers are whole: all there, with the bytes that were unpacked. */
export function hasLibraries(host: Host, form: Form): boolean {
  const root = rootOf(host, form);
  const mark = path.join(root, unpackedMark);
  const files = filesOf(mark);
  if (!files) return false;
  return Object.entries(files).every(
    ([name, bytes]) =>
      name.endsWith('.h') || statSync(path.join(root, name), { throwIfNoEntry: false })?.size === bytes,
  );
}

/** The sizes in a mark; undefined without one that can be read. */
function filesOf(mark: string): Record<string, number> | undefined {
  try {
    return Unpacked.safeParse(readJson(mark)).data?.files;
  } catch {
    return undefined;
  }
}

/** NVIDIA's wheels that are not unpacked. */
export function missingCuda(host: Host): Wheel[] {
  return host.recipe.cuda.filter((wheel) => !existsSync(path.join(rootOf(host, 'gpu'), cudaDir(wheel))));
}

/** `nvidia/cuda_runtime` for `nvidia-cuda-runtime-cu12`: where the libraries' run path looks. */
export function cudaDir(wheel: Wheel): string {
  return path.join(
    'nvidia',
    wheel.project
      .replace(/^nvidia-/, '')
      .replace(/-cu12$/, '')
      .replaceAll('-', '_'),
  );
}

/** Where the compiled binding of a form lies, for the package's present sources; undefined without the package. */
export function bindingOf(host: Host, form: Form): string | undefined {
  const dir = host.packageDir(form);
  return dir && path.join(rootOf(host, form), `binding-${buildKey(dir)}`, bindingName);
}

/** The binding of a form that can be loaded from the cache. */
export function installedBinding(host: Host, form: Form): string | undefined {
  const binding = bindingOf(host, form);
  return binding !== undefined && existsSync(binding) && hasLibraries(host, form) ? binding : undefined;
}

/**
 * What is installed, and which form is used: `COC_NATIVE_FORM` if set, else the one for cards where a driver is there,
 * else the one for the processor, else whichever is there. Takes milliseconds; loads nothing.
 */
export function nativeState(host: Host = thisHost()): NativeState {
  return look(host).state;
}

/**
 * Put the binding of the cache beside npm's package, if it is not there; called before the package is loaded.
 * @returns the state; `package` is what to load, null when there is nothing to load
 * @throws InputError when the package's folder cannot be written
 */
export function linkBinding(host: Host = thisHost()): NativeState {
  const { state, binding } = look(host);
  if (state.installed && binding) placeLink(binding, placeInPackage(host, state.installed)!);
  return state;
}

/** The state, and the binding in the cache that belongs to it. */
function look(host: Host): { state: NativeState; binding?: string } {
  const order = preferred(host);
  for (const form of order) {
    const binding = installedBinding(host, form);
    if (binding === undefined) continue;
    const state: NativeState = {
      installed: form,
      package: packageOf[form],
      tensorflow: host.recipe.version,
      where: rootOf(host, form),
    };
    if (form === 'gpu' && host.hasDriver() && missingCuda(host).length > 0)
      state.problem = "NVIDIA's libraries are missing: run `npx coc native install --gpu`";
    return { state, binding };
  }
  for (const form of order) {
    const place = placeInPackage(host, form);
    // A binary that is not ours: the stock one, or of another cache.
    if (place !== undefined && existsSync(place) && !isLinkInto(host.home, place))
      return {
        state: {
          installed: form,
          package: packageOf[form],
          tensorflow: null,
          where: realpathSync(place),
        },
      };
  }
  const begun = forms.some((form) => hasLibraries(host, form));
  const problem = begun ? 'the libraries are there, and no binding' : 'not installed';
  return {
    state: {
      installed: null,
      package: null,
      tensorflow: null,
      where: null,
      problem: `${problem}: run \`npx coc native install\``,
    },
  };
}

function placeLink(binding: string, place: string): void {
  if (linkedTo(place) === binding) return;
  const temporary = temporaryName(place);
  try {
    mkdirSync(path.dirname(place), { recursive: true });
    symlinkSync(binding, temporary);
    renameSync(temporary, place);
  } catch (error) {
    throw diskError(error, place, 'give permission to write into node_modules, or run `npm ci` as yourself');
  }
}

/** Take our link away from beside npm's package; a binary that is not ours stays. */
export function unlinkBinding(host: Host, form: Form): void {
  const place = placeInPackage(host, form);
  if (place && isLinkInto(rootOf(host, form), place)) rmSync(place, { force: true });
}

function isLinkInto(dir: string, place: string): boolean {
  return linkedTo(place)?.startsWith(dir + path.sep) ?? false;
}

/** Where npm's package looks for its binding. */
export function placeInPackage(host: Host, form: Form): string | undefined {
  const dir = host.packageDir(form);
  return dir && path.join(dir, 'lib', 'napi-v8', bindingName);
}

function linkedTo(place: string): string | undefined {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  return stat?.isSymbolicLink() ? readlinkSync(place) : undefined;
}

function preferred(host: Host): readonly Form[] {
  const wanted = process.env.COC_NATIVE_FORM;
  if (wanted !== undefined && wanted !== '') {
    const form = forms.find((each) => each === wanted);
    if (form) return [form];
    throw new InputError({
      what: 'cannot choose a form of native TensorFlow',
      given: `COC_NATIVE_FORM=${wanted}`,
      expected: forms.join(' or '),
      fix: 'set one of these, or unset it',
    });
  }
  return host.hasDriver() ? ['gpu', 'cpu'] : ['cpu', 'gpu'];
}
