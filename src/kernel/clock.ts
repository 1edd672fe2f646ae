// The real timers: cells see wrapped ones (leftovers.ts), the kernel goes by these.
export const clock = {
  now: (): number => performance.now(),
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setImmediate: globalThis.setImmediate,
  /**
   * One turn of the event loop: what is pending (signals, rejections) comes first. Immediates that stand in line behind code
   * that is cut off are lost, hence the timer as well.
   */
  turn: (): Promise<void> =>
    new Promise((resolve) => {
      const fallback = clock.setTimeout(() => {
        immediate.unref();
        resolve();
      }, 50);
      const immediate = clock.setImmediate(() => {
        clock.clearTimeout(fallback);
        resolve();
      });
    }),
};
