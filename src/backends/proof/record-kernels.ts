// The kernels and gradients that one function runs: what a case of the proof covers.
import { tf } from '../tf';
import { watchKernels, type Ran } from '../trace';

/** What a function returned and what ran meanwhile, each once, in the order of the alphabet. */
export interface Recorded<T> {
  value: T;
  /** Names of kernels that were called through the engine: `MatMul`, `Conv3D`. */
  kernels: string[];
  /** Names of gradients that were taken: `Conv3D by filter`, `Concat`, `custom softmaxCrossEntropy` (see `Ran.name`). */
  gradients: string[];
  /** The same with the backend that ran each. */
  ran: Ran[];
}

/**
 * Run a function and name the kernels that ran and the gradients that were taken. One at a time: what else runs in this
 * process meanwhile is heard of too.
 */
export async function recordKernels<T>(f: () => T | Promise<T>): Promise<Recorded<T>> {
  const seen = new Map<string, Ran>();
  const stop = watchKernels(tf.engine(), (ran) => seen.set(JSON.stringify(ran), ran));
  try {
    const value = await f();
    const ran = [...seen.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const names = (kind: Ran['kind']): string[] => [
      ...new Set(ran.filter((one) => one.kind === kind).map((one) => one.name)),
    ];
    return { value, kernels: names('kernel'), gradients: names('gradient'), ran };
  } finally {
    stop();
  }
}
