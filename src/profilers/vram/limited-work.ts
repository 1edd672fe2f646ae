// The inside of a process whose allocator has a limit (limited-process.ts): it opens native TensorFlow, does its work, and says
// how it went. Each upload is announced first, for one that does not fit ends the process without a word.
import { writeSync } from 'node:fs';
import { z } from 'zod';
import type { Backend } from '../../backends/backend';
import { loadCandidate } from '../../backends/choose';
import { tf } from '../../backends/tf';
import { InputError, messageOf } from '../../base/errors';
import { uploadMark } from './allocator-account';

/** Lines of JSON on file 3. */
export const limitedMessage = z.union([
  /** The engine is open. */
  z.strictObject({
    opened: z.strictObject({ device: z.string(), versions: z.record(z.string(), z.string()) }),
  }),
  z.strictObject({ stage: z.string() }),
  z.strictObject({ done: z.json(), seconds: z.number() }),
  /** TensorFlow said RESOURCE_EXHAUSTED. */
  z.strictObject({ exhausted: z.string() }),
  z.strictObject({ failed: z.string() }),
]);
export type LimitedMessage = z.infer<typeof limitedMessage>;

export const messagesFile = 3;
const say = (message: LimitedMessage): void => void writeSync(messagesFile, `${JSON.stringify(message)}\n`);

/** What a piece of work may do beside computing. */
export interface LimitedWork {
  backend: Backend;
  /** Say what is done now. */
  stage: (what: string) => void;
}

/**
 * Do a piece of work on native TensorFlow and say how it went; the process ends with it.
 * @param work  what it returns must be JSON; its seconds are counted without those of opening the engine
 */
export async function doLimited(work: (given: LimitedWork) => Promise<unknown>): Promise<void> {
  try {
    const backend = await (await loadCandidate('tensorflow')).open({ asked: true });
    announceUploads();
    say({ opened: { device: backend.device, versions: backend.versions } });
    const began = performance.now();
    const result = await work({ backend, stage: (what) => say({ stage: what }) });
    const seconds = (performance.now() - began) / 1000;
    say({ done: JSON.parse(JSON.stringify(result ?? null)) as never, seconds });
  } catch (error) {
    const exhausted = exhaustion(error);
    if (exhausted !== undefined) say({ exhausted });
    else if (error instanceof InputError) say({ failed: error.message });
    else say({ failed: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) });
  }
  // Machine code may be slow or unable to end.
  process.exit();
}

/** TensorFlow's status of an allocation that failed, as its binding for Node words it: of an operation, and of a session's graph. */
const exhaustedStatus =
  /^Invalid TF_Status: 8\s+Message: |^Session fail to run with error: (?=[^]*OOM when allocating)/;

/** What TensorFlow said where an error comes from memory that it did not have; undefined for all others. */
export function exhaustion(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause)
    if (exhaustedStatus.test(at.message))
      return `RESOURCE_EXHAUSTED: ${at.message.replace(exhaustedStatus, '')}`;
  return undefined;
}

interface Binding {
  createTensor: (shape: number[], dtype: number, values: unknown) => number;
}

/** Write a line before and after whatever goes from the host to TensorFlow, which must be open. */
export function announceUploads(): void {
  const kernels = tf.backend() as unknown as { binding: Binding };
  const own = kernels.binding;
  const announced: Binding['createTensor'] = (shape, dtype, values) => {
    writeSync(2, `${uploadMark.begin}${ArrayBuffer.isView(values) ? values.byteLength : 0}\n`);
    const id = own.createTensor(shape, dtype, values);
    writeSync(2, `${uploadMark.end}\n`);
    return id;
  };
  // The binding's own properties cannot be replaced.
  kernels.binding = new Proxy({} as Binding, {
    get: (_, name) => (name === 'createTensor' ? announced : own[name as keyof Binding]),
  });
}
