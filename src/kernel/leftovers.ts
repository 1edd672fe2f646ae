// How the loops end that a stopped cell left running: its timers do not fire, and its console throws. A loop that does
// neither can look at `cell().signal`.
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import nodeConsole from 'node:console';
import { promisify } from 'node:util';
import { Interrupted } from '../base/errors';

type Callback = (...values: unknown[]) => void;
type Starter = (callback: Callback, ...rest: unknown[]) => unknown;

/** Immediates of cells that have not run. */
const pending = new Set<NodeJS.Immediate>();

/**
 * After code was cut off: immediates that stood in line behind it never run, and Node would go round for them for ever.
 * Called in the middle of the code that is cut off, when all that still wait are the lost ones and a few later ones.
 */
export function releaseLostImmediates(): void {
  const lost = [...pending];
  pending.clear();
  for (const immediate of lost) immediate.unref();
}

/**
 * Wrap the timers and the console of this process.
 * @param stopped  whether the cell that the calling code belongs to was stopped
 */
export function endLeftovers(stopped: () => (() => boolean) | undefined): void {
  for (const name of ['setTimeout', 'setImmediate', 'setInterval'] as const) {
    const start = globalThis[name] as unknown as Starter;
    const wrapped: Starter = (callback, ...rest) => {
      const isStopped = stopped();
      if (!isStopped || typeof callback !== 'function') return start(callback, ...rest);
      return start(
        (...values) => {
          if (!isStopped()) callback(...values);
        },
        ...rest,
      );
    };
    const later = (start as unknown as Record<symbol, unknown>)[promisify.custom] as
      ((...values: unknown[]) => Promise<unknown>) | undefined;
    const whole = later
      ? Object.assign(wrapped, { [promisify.custom]: unlessStopped(later, stopped) })
      : wrapped;
    Object.assign(globalThis, { [name]: whole });
    Object.assign(timers, { [name]: whole });
  }
  for (const name of ['setTimeout', 'setImmediate'] as const) {
    const later = timersPromises[name] as (...values: unknown[]) => Promise<unknown>;
    Object.assign(timersPromises, { [name]: unlessStopped(later, stopped) });
  }
  for (const name of ['log', 'info', 'debug', 'warn', 'error', 'table', 'dir'] as const) {
    const say = nodeConsole[name].bind(nodeConsole) as Callback;
    nodeConsole[name] = (...values: unknown[]) => {
      if (stopped()?.()) throw new Interrupted('the cell');
      say(...values);
    };
  }
}

/** A promise that is never settled once its cell was stopped. */
function unlessStopped(
  later: (...values: unknown[]) => Promise<unknown>,
  stopped: () => (() => boolean) | undefined,
): (...values: unknown[]) => Promise<unknown> {
  return (...values) => {
    const isStopped = stopped();
    const promise = later(...values);
    if (!isStopped) return promise;
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => isStopped() || resolve(value),
        (error: unknown) => isStopped() || reject(error as Error),
      );
    });
  };
}
