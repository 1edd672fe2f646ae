// TensorFlow itself, through TensorFlow.js's package for Node. It comes in two forms, each a package of its own: one computes
// on NVIDIA's cards (and on the processor where it finds none), one on the processor. One of them can be loaded in a process.
import { createRequire } from 'node:module';
import os from 'node:os';
import util from 'node:util';
import { InputError, messageOf } from '../base/errors';
import type { Backend, Candidate } from './backend';
import { firstCard } from './card';
import type { Caught } from './catch-stderr';
import { catchStderr } from './catch-stderr';
import { thisHost } from './native/host';
import { linkBinding, placeInPackage } from './native/state';
import { registerFusedTensorflow } from './tensorflow-fused';
import { mendTensorflow } from './tensorflow-kernels';
import { runStep, tensorCounts } from './step';
import { tf } from './tf';

/** What we use of tfjs-node's backend. */
interface NodeBackend {
  binding: { TF_Version: string };
  isGPUPackage: boolean;
  isUsingGpuDevice: boolean;
}

const what = 'cannot open the backend tensorflow';
const requireHere = createRequire(__filename);

export const candidate: Candidate = {
  name: 'tensorflow',

  machineCode() {
    const { installed, where } = linkBinding();
    return installed ? [placeInPackage(thisHost(), installed)!, where!] : [];
  },

  async open(): Promise<Backend> {
    if (!tf.findBackendFactory('tensorflow')) load();
    mendTensorflow();
    registerFusedTensorflow();
    await tf.setBackend('tensorflow');
    const { binding, isGPUPackage, isUsingGpuDevice } = tf.backend() as unknown as NodeBackend;
    const card = isUsingGpuDevice ? await firstCard() : undefined;
    const threads = process.env.TF_NUM_INTRAOP_THREADS ?? String(os.availableParallelism());
    const processor = `${os.cpus()[0]?.model.trim() || process.arch}, ${threads} ${threads === '1' ? 'thread' : 'threads'}`;
    return {
      name: 'tensorflow',
      device: isUsingGpuDevice ? (card?.name ?? 'a card that nvidia-smi does not name') : processor,
      gpu: isUsingGpuDevice ? (card?.name ?? 'unnamed') : null,
      driver: card?.driver ?? null,
      versions: { tfjs: tf.version.tfjs, tensorflow: binding.TF_Version },
      notes:
        isGPUPackage && !isUsingGpuDevice
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
  const state = linkBinding();
  if (!state.package) {
    const [given, fix] = (state.problem ?? 'not installed: run `npx coc native install`').split(/: (?=run )/);
    throw new InputError({ what, given, expected: 'native TensorFlow', fix });
  }
  const { package: name, where } = state;
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
  const caught = catchStderr(() => requireHere(name) as unknown);
  if ('error' in caught) throw loadError(where, caught);
  const other = caught.said
    .split('\n')
    .filter((line) => line !== '' && !tensorflowsLine.test(line))
    .join('\n');
  if (other) process.stderr.write(`${other}\n`);
}

/** `I0000 00:00:1795355351.967327 18540 port.cc:153] ...`, and the lines that go with such. */
const tensorflowsLine =
  /^(?:[IWE]\d{4} |\d{4}-\d\d-\d\d [\d:.]+: [IWE] |WARNING: All log messages before absl::|To enable the following instructions)/;

function loadError(where: string | null, { error, said }: Caught<unknown> & { error: unknown }): InputError {
  const text = [messageOf(error), said.trim()].filter(Boolean).join('\n');
  return new InputError(
    {
      what,
      given: `a library that does not load (${where}): ${text}`,
      expected: 'a binding and libraries that fit this system',
      fix: '`npx coc native remove` and `npx coc native install` make it anew',
    },
    { cause: error },
  );
}
