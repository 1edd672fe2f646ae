// Memory of a few steps, as each side counts it: TensorFlow.js's buffers where they can be seen; the allocator and the driver are
// read by the process that started this one (part.ts).
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Backend } from '../../backends/backend';
import { dryRun } from '../../backends/meta/dry-run';
import { tf } from '../../backends/tf';

/** What a step's memory is by the engine itself. */
export const measuredMemorySchema = z.strictObject({
  /** Bytes of the inputs: what is there before and after. */
  inputBytes: z.number(),
  /** Most bytes by the dry run, inputs included. */
  ledgerBytes: z.number(),
  /** Most bytes of buffers in use during the step, inputs included; null where the engine does not tell. */
  usedBytes: z.number().nullable(),
  /** Most bytes that were asked of the device, buffers kept for later included; null as above. */
  allocatedBytes: z.number().nullable(),
});
export type MeasuredMemory = z.infer<typeof measuredMemorySchema>;

/** A step whose memory is read: its inputs by shape, and what is computed with them. */
interface MemoryUnit {
  shapes: number[][];
  run: (inputs: tf.Tensor[]) => tf.Tensor[];
}

/** Softmax attention, heads as a batch, with the gradients by queries, keys and values. */
function attention(heads: number, tokens: number, width: number): MemoryUnit {
  const attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor =>
    tf.matMul(tf.softmax(tf.matMul(tf.mul(q, width ** -0.5), k, false, true)), v);
  return {
    shapes: [1, 2, 3].map(() => [heads, tokens, width]),
    run: (inputs) => tf.grads((q, k, v) => attend(q, k, v))(inputs),
  };
}

function convolution(side: number, from: number, to: number): MemoryUnit {
  return {
    shapes: [
      [1, side, side, side, from],
      [3, 3, 3, from, to],
    ],
    run: (inputs) => tf.grads((x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, 'same'))(inputs),
  };
}

/** Known to the byte: every reading must show it. */
function block(mebibytes: number): MemoryUnit {
  const quarter = (mebibytes * 2 ** 20) / 4 / 4;
  return { shapes: [], run: () => [1, 2, 3, 4].map((value) => tf.fill([quarter], value)) };
}

const units: Record<string, MemoryUnit> = {
  'block of 1 GiB': block(1024),
  'attention 12x1024x64 and gradients': attention(12, 1024, 64),
  'attention 12x4096x64 and gradients': attention(12, 4096, 64),
  'conv3d 64 16-32 and gradients': convolution(64, 16, 32),
};
const rehearsed: Record<string, MemoryUnit> = {
  'block of 4 MiB': block(4),
  'attention 2x64x8 and gradients': attention(2, 64, 8),
  'conv3d 8 2-4 and gradients': convolution(8, 2, 4),
};

/** The ids of the steps. */
export const memoryNames = (rehearse: boolean): string[] => Object.keys(rehearse ? rehearsed : units);

/** Seconds that a step is repeated for, so that a driver which is asked ten times a second sees it. */
const seconds = 1.5;

/** Runs steps by their id. */
export function memoryRunner({
  rehearse,
}: {
  rehearse: boolean;
}): (backend: Backend, id: string) => Promise<MeasuredMemory> {
  return async (backend, id) => {
    const { shapes, run } = (rehearse ? rehearsed : units)[id];
    backend.flush();
    const inputs = shapes.map((shape, k) => tf.fill(shape, 0.01 * (k + 1)));
    const inputBytes = shapes.reduce((sum, shape) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
    try {
      const { used, allocated } = await peakOf(backend, id, () => tf.dispose(run(inputs)));
      const end = performance.now() + (rehearse ? 0 : seconds * 1000);
      do {
        const held = await backend.step(id, () => run(inputs));
        await sleep(rehearse ? 0 : 200);
        tf.dispose(held);
      } while (performance.now() < end);
      const dry = dryRun(
        id,
        { inputs: shapes.map((shape) => ({ shape })) },
        (given) => run(given.inputs as tf.Tensor[]),
        {
          like: backend.name,
        },
      );
      const ledgerBytes = dry.ledger.peak().bytes;
      return { inputBytes, ledgerBytes, usedBytes: used, allocatedBytes: allocated };
    } finally {
      tf.dispose(inputs);
    }
  };
}

/** The most bytes of buffers during a step, each kernel by itself; null on an engine whose buffers cannot be seen. */
async function peakOf(
  backend: Backend,
  id: string,
  step: () => void,
): Promise<{ used: number | null; allocated: number | null }> {
  if (backend.name !== 'webgpu') {
    await backend.step(id, step);
    return { used: null, allocated: null };
  }
  const { openWebgpu } = await import('../../backends/webgpu/open.js');
  const { peak } = await (await openWebgpu({ asked: true })).stepWithPeak(id, step, { exact: true });
  return peak;
}
