// Dawn for Node: the npm package `webgpu`.
import { createRequire } from 'node:module';
import { InputError } from '../../base/errors';
import type { Look } from './adapter';
import { adapterOptions, dawnOptions } from './adapter';
import { missingLoader, vulkanDrivers } from './vulkan';

// Dawn must outlive every device: it is made once and held to the end of the process. It keeps no process alive. Not in the
// module: the kernel loads modules anew when their source changes.
const key = Symbol.for('cost-of-consistency.dawn');
const place = globalThis as typeof globalThis & { [key]?: GPU };

/** The main file of the package `webgpu` as `from` sees it. @throws InputError when it is not installed */
export function dawnEntry(from = __filename): string {
  try {
    return createRequire(from).resolve('webgpu');
  } catch {
    throw unusable(
      'the npm package webgpu, which is optional, is not installed',
      'webgpu 0.6.2',
      'run `npm ci` without --omit=optional',
    );
  }
}

/** What can be known to be missing before Dawn is loaded. @throws InputError with the reason */
export function checkVulkan(loader?: string, drivers = vulkanDrivers()): void {
  // Dawn uses Metal and Direct3D elsewhere; they belong to the system.
  if (process.platform !== 'linux') return;
  const reason = missingLoader(loader);
  if (reason !== undefined)
    throw unusable(
      `no Vulkan loader (${reason})`,
      'libvulkan.so.1',
      'install it (Debian, Ubuntu: `sudo apt install libvulkan1`; Fedora: `sudo dnf install vulkan-loader`)',
    );
  if (drivers.length === 0)
    throw unusable(
      'no Vulkan driver is described on this machine (no vulkan/icd.d/*.json)',
      "the card's driver with its Vulkan part",
      'install the driver of the card (NVIDIA: its own driver, in containers with NVIDIA_DRIVER_CAPABILITIES=all; AMD, Intel: `sudo apt install mesa-vulkan-drivers`), or name the file in VK_DRIVER_FILES',
    );
}

/** Why a look found no adapter, and what to do. */
export function noAdapter(look: Look & { adapter: null }): InputError {
  const { problem, message } = look;
  if (problem === 'load')
    return /GLIBC|cannot open shared|loading shared library|ELF/i.test(message)
      ? unusable(
          `Dawn does not load here (${message})`,
          'glibc 2.34 or newer and libstdc++ of GCC 12 (Debian 12, Ubuntu 22.04)',
          'use a newer system, or another backend: COC_BACKEND=wasm',
        )
      : unusable(
          `the package webgpu does not load (${message})`,
          'a build of Dawn for this platform',
          'use another backend: COC_BACKEND=wasm',
        );
  if (problem === 'crash')
    return unusable(
      `the driver failed while Dawn looked for a card (${message})`,
      'a working driver',
      'reinstall or update the driver of the card; `vulkaninfo --summary` shows whether it works',
    );
  return unusable(
    `no adapter${message ? ` (${message})` : ''}`,
    'a card that its driver can open',
    'check the card and its driver with `vulkaninfo --summary`',
  );
}

/** The adapter that the look found, in this process. */
export async function openAdapter(entry: string): Promise<GPUAdapter> {
  if (place[key] === undefined) {
    const { create, globals } = (await import(entry)) as {
      create: (options: string[]) => GPU;
      globals: Record<string, unknown>;
    };
    // TensorFlow.js takes these classes and constants from the global object.
    for (const [name, value] of Object.entries(globals))
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    place[key] = create(dawnOptions);
  }
  const adapter = await place[key].requestAdapter(adapterOptions);
  if (!adapter) throw noAdapter({ adapter: null, problem: 'none', message: 'it was there a moment ago' });
  return adapter;
}

/**
 * Run `make` while `navigator.gpu` is there: TensorFlow.js asks for it once, when its backend is made. It does not stay,
 * because other packages take a `navigator` for a browser.
 */
export function withNavigator<T>(make: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: place[key] }, configurable: true });
  try {
    return make();
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else delete (globalThis as { navigator?: unknown }).navigator;
  }
}

/** The error of a backend that cannot be used here. */
export function unusable(given: string, expected: string, fix: string): InputError {
  return new InputError({ what: 'cannot open the backend webgpu', given, expected, fix });
}
