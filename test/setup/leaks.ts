// No leak: after a public call the count and the bytes of tensors are what they were before.
import type { Backend } from '../../src/backends/backend';
import { tf } from '../../src/backends/tf';

interface Reading {
  tensors: number;
  buffers: number;
  bytes: number;
  /** What the backend itself holds; null where it does not say. */
  held: number | null;
}

function read(backend: Backend | undefined): Reading {
  backend?.flush();
  const { numTensors: tensors, numDataBuffers: buffers, numBytes: bytes } = tf.memory();
  return { tensors, buffers, bytes, held: backend?.memory().bufferBytes ?? null };
}

/**
 * Make a call and fail when it leaves tensors behind: also when it throws. Tensors that it returns (in objects and lists
 * too) count as handed over, and are freed here; so the value is only good for what is not a tensor.
 * @param what     the call, for the message
 * @param backend  whose own count of bytes is compared as well
 * @returns what the call returned
 * @throws Error `CALL leaves 2 tensors behind, 8 bytes`; else what the call throws
 */
export async function withoutLeak<T>(
  what: string,
  call: () => T | Promise<T>,
  backend?: Backend,
): Promise<T> {
  const before = read(backend);
  let value: T;
  try {
    value = await call();
  } catch (error) {
    compare(`${what}, which failed,`, before, read(backend), error);
    throw error;
  }
  tf.dispose(value as unknown as tf.TensorContainer);
  compare(what, before, read(backend));
  return value;
}

function compare(what: string, before: Reading, after: Reading, cause?: unknown): void {
  const difference = (name: Exclude<keyof Reading, 'held'>): number => after[name] - before[name];
  const said = [
    difference('tensors') !== 0 && `${difference('tensors')} tensors`,
    difference('buffers') !== 0 && `${difference('buffers')} buffers`,
    difference('bytes') !== 0 && `${difference('bytes')} bytes`,
    before.held !== after.held && `${(after.held ?? 0) - (before.held ?? 0)} bytes held by the backend`,
  ].filter(Boolean);
  if (said.length > 0) throw new Error(`${what} leaves ${said.join(', ')} behind`, { cause });
}
