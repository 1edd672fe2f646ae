// TensorFlow itself, through TensorFlow.js's package for Node. It comes in two forms, each a package of its own: one computes
// on NVIDIA's cards (and on the processor where it finds none), one on the processor. One of them can be loaded in a process.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import util from 'node:util';
import { InputError, messageOf } from '../base/errors';
import type { Backend, Candidate } from './backend';
import { firstCard, nvidiaCards } from './card';
import type { Caught } from './catch-stderr';
import { catchStderr } from './catch-stderr';
import { runStep, tensorCounts } from './step';
import { tf } from './tf';

/** The forms and their packages (`tfjs-node-native` is our alias of `@tensorflow/tfjs-node`). */
const packages = { gpu: '@tensorflow/tfjs-node-gpu', cpu: 'tfjs-node-native' } as const;
type Form = keyof typeof packages;

/** What we use of tfjs-node's backend. */
interface NodeBackend {
  binding: { TF_Version: string };
  isUsingGpuDevice: boolean;
}

const requireHere = createRequire(__filename);

export const candidate: Candidate = {
  name: 'tensorflow',

  machineCode() {
    const form = formHere();
    return form ? [bindingOf(form)!] : [];
  },

  async open(): Promise<Backend> {
    if (!tf.findBackendFactory('tensorflow')) load();
    await tf.setBackend('tensorflow');
    const { binding, isUsingGpuDevice } = tf.backend() as unknown as NodeBackend;
    const card = isUsingGpuDevice ? firstCard() : undefined;
    const threads = process.env.TF_NUM_INTRAOP_THREADS ?? String(os.availableParallelism());
    const processor = `${os.cpus()[0]?.model.trim() || process.arch}, ${threads} ${threads === '1' ? 'thread' : 'threads'}`;
    return {
      name: 'tensorflow',
      device: isUsingGpuDevice ? (card?.name ?? 'a card that nvidia-smi does not name') : processor,
      gpu: isUsingGpuDevice ? (card?.name ?? 'unnamed') : null,
      driver: card?.driver ?? null,
      versions: { tfjs: tf.version.tfjs, tensorflow: binding.TF_Version },
      notes:
        loadedForm() === 'gpu' && !isUsingGpuDevice
          ? [`TensorFlow's form for cards is installed and found no card: it computes on the processor`]
          : [],
      step: (what, f) => runStep(what, f, isUsingGpuDevice ? waitForCard : undefined),
      memory: () => ({
        ...tensorCounts(),
        bufferBytes: null,
        note: "TensorFlow's allocator is out of reach of its binding for Node",
      }),
      flush: () => undefined,
    };
  },
};

/** Kernels on a card come one after another: a number that is computed after them is there when they are done. */
function waitForCard(): void {
  tf.tidy(() => tf.add(tf.scalar(0), tf.scalar(0)).dataSync());
}

/** Load the package of the form that suits this machine. @throws InputError with what the linker or TensorFlow said */
function load(): void {
  const form = formHere();
  if (!form) {
    throw new InputError({
      what: 'cannot use the backend tensorflow',
      given: 'its library is not installed',
      expected: `the binding of ${packages.cpu} or ${packages.gpu}`,
      fix: '`coc native install` gets it',
    });
  }
  // Functions that Node 23 took away, and that tfjs-node calls.
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: (value: unknown) => Array.isArray(value),
  });
  // TensorFlow reads these while it is linked; what the user has set stays.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // It takes all memory of a card else, and a second process has none.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  // The card that nvidia-smi lists first, and products of float32 numbers with all their bits.
  process.env.CUDA_DEVICE_ORDER ??= 'PCI_BUS_ID';
  process.env.NVIDIA_TF32_OVERRIDE ??= '0';
  const caught = catchStderr(() => requireHere(packages[form]) as unknown);
  if ('error' in caught) throw loadError(form, caught);
  const other = caught.said
    .split('\n')
    .filter((line) => line !== '' && !tensorflowsLine.test(line))
    .join('\n');
  if (other) process.stderr.write(`${other}\n`);
}

/** `I0000 00:00:1795355351.967327 18540 port.cc:153] ...`, and the lines that go with such. */
const tensorflowsLine =
  /^(?:[IWE]\d{4} |\d{4}-\d\d-\d\d [\d:.]+: [IWE] |WARNING: All log messages before absl::|To enable the following instructions)/;

function loadError(form: Form, { error, said }: Caught<unknown> & { error: unknown }): InputError {
  const text = [messageOf(error), said.trim()].filter(Boolean).join('\n');
  return new InputError(
    {
      what: 'cannot use the backend tensorflow',
      given: `${bindingOf(form)} does not load: ${text}`,
      expected: 'a binding and libraries that fit this system',
      fix: '`coc native install` makes it anew; `coc native remove` takes it away',
    },
    { cause: error },
  );
}

/** The form that is here; where both are, the one for cards when there is a card. */
function formHere(): Form | undefined {
  const [gpu, cpu] = [bindingOf('gpu'), bindingOf('cpu')].map((file) => file !== undefined);
  if (gpu && (!cpu || nvidiaCards().length > 0)) return 'gpu';
  return cpu ? 'cpu' : undefined;
}

/** The form that this process has loaded. */
function loadedForm(): Form | undefined {
  const { isGPUPackage } = tf.backend() as unknown as { isGPUPackage: boolean };
  return isGPUPackage ? 'gpu' : 'cpu';
}

/** The binding beside a form's package, where both are there. */
function bindingOf(form: Form): string | undefined {
  try {
    const folder = path.dirname(requireHere.resolve(`${packages[form]}/package.json`));
    const file = path.join(folder, 'lib', 'napi-v8', 'tfjs_binding.node');
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}
