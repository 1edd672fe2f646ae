// Opens the backend webgpu. Imported lazily: TensorFlow.js's kernels for it take their time to load.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Backend, BackendMemory, OpenOptions } from '../backend';
import { tensorCounts } from '../step';
import { tf } from '../tf';
import { adapterName, driverOf, isSoftware, lookAtAdapter } from './adapter';
import { checkVulkan, dawnEntry, noAdapter, openAdapter, unusable } from './dawn';
import { DeviceErrors, makeThrowing, openDevice } from './device';
import { mendKernels } from './kernels';
import { registerOwnKernels } from './own-kernels';
import type { DeviceBytes } from './pool';
import { stepOn } from './step';
import type { GuardedBackend } from './tfjs-backend';
import { guardedBackend } from './tfjs-backend';
import type { DeviceTime } from './time';
import { timeOnDevice } from './time';

/** The backend webgpu, and the readings that it alone gives. */
export interface WebgpuBackend extends Backend {
  /** Whether the adapter computes on the processor: right, and slower than any other backend. */
  software: boolean;
  memory(): BackendMemory & { bufferBytes: number; allocatedBytes: number };
  /** A step, with the most bytes that were in use and allocated during it. With `exact`, every kernel is submitted by
   * itself, so that freed buffers count as free at once; without, they wait for the next 15 kernels (0 to 13 % more). */
  stepWithPeak<T>(
    what: string,
    f: () => T,
    options?: { exact?: boolean },
  ): Promise<{ returned: T; peak: DeviceBytes }>;
  /** The device's own time for the kernels of `f`, without waiting in between; tensors made by `f` are freed. */
  timeOnDevice(what: string, f: () => void): Promise<DeviceTime>;
}

// Not in the module: the kernel loads modules anew when their source changes, and tensors live on this one.
const key = Symbol.for('cost-of-consistency.webgpu');
interface Opened {
  backend: WebgpuBackend;
  guarded: GuardedBackend;
}
const place = globalThis as typeof globalThis & { [key]?: Opened };

/** Open the backend, or give back the one that is open. @throws InputError with the reason why it cannot be used */
export async function openWebgpu({ asked = false, signal }: OpenOptions = {}): Promise<WebgpuBackend> {
  const opened = place[key];
  if (opened && !opened.guarded.errors.lost) {
    if (opened.backend.software && !asked) throw software(opened.backend.device);
    await tf.setBackend('webgpu');
    return opened.backend;
  }
  const entry = dawnEntry();
  checkVulkan();
  const look = await lookAtAdapter(entry, signal);
  if (look.adapter === null) throw noAdapter(look);
  if (isSoftware(look.adapter) && !asked) throw software(adapterName(look.adapter));

  const adapter = await openAdapter(entry);
  const device = await openDevice(adapter);
  const errors = new DeviceErrors(device);
  makeThrowing(device, errors);
  const guarded = guardedBackend(device, adapter.info, errors);
  if (tf.findBackendFactory('webgpu')) tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => guarded, 0);
  mendKernels();
  registerOwnKernels();
  // What was proven is what runs: no silent detour of small tensors over the processor.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  await tf.setBackend('webgpu');
  const found = adapter.info;
  const name = adapterName(found);
  const isProgram = isSoftware(found);
  const backend: WebgpuBackend = {
    name: 'webgpu',
    device: isProgram ? `${name} (a program on the processor, not a card)` : name,
    gpu: isProgram ? null : name,
    driver: driverOf(found),
    versions: { tfjs: tf.version.tfjs, dawn: `npm webgpu ${versionOf(entry)}` },
    software: isProgram,
    step: (what, f) => stepOn(guarded, what, f),
    async stepWithPeak(what, f, { exact = false } = {}) {
      const batch = tf.env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE');
      if (exact) tf.env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', 1);
      try {
        const returned = await stepOn(guarded, what, () => {
          guarded.pool.startPeak();
          return f();
        });
        return { returned, peak: guarded.pool.peakBytes() };
      } finally {
        tf.env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', batch);
      }
    },
    timeOnDevice: (what, f) => timeOnDevice(guarded, what, f),
    memory() {
      guarded.submit();
      const { used, allocated } = guarded.pool.now();
      return { ...tensorCounts(), bufferBytes: used, allocatedBytes: allocated };
    },
    flush() {
      guarded.submit();
      guarded.pool.flush();
    },
  };
  place[key] = { backend, guarded };
  return backend;
}

function software(name: string): Error {
  return unusable(
    `only a software adapter (${name}), which is slower than the other backends`,
    'a card',
    'use another backend, or ask for this one by name: COC_BACKEND=webgpu',
  );
}

function versionOf(entry: string): string {
  const file = path.join(path.dirname(entry), 'package.json');
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}
