// Errors that nobody waits for: rejected promises, exceptions in timers. They must fail the running cell, not the kernel.

type Handler = (kind: string, thrown: unknown) => void;
const events = new Set<string | symbol>(['unhandledRejection', 'uncaughtException']);

/**
 * Send stray errors to one handler, and keep the two events to ourselves. Emscripten's runtime (in tfjs-backend-wasm) adds
 * handlers that rethrow, which would end the kernel, and on disposal removes everyone's.
 */
export function catchStrays(handler: Handler): void {
  process.on('unhandledRejection', (reason) =>
    handler('A promise was rejected and nobody handled it', reason),
  );
  process.on('uncaughtException', (error) => handler('An exception was thrown and nobody caught it', error));
  for (const name of [
    'on',
    'addListener',
    'once',
    'prependListener',
    'prependOnceListener',
    'off',
    'removeListener',
    'removeAllListeners',
  ] as const) {
    const original = process[name].bind(process) as (...values: unknown[]) => NodeJS.Process;
    Object.assign(process, {
      [name]: (...values: unknown[]) =>
        events.has(values[0] as string | symbol) ? process : original(...values),
    });
  }
}
