// A step on the device: it fails when the device reported an error meanwhile, and leaves nothing behind when it does.
import { runStep } from '../step';
import type { GuardedBackend } from './tfjs-backend';

/** Run one step on the device; see `Backend.step`. */
export async function stepOn<T>(guarded: GuardedBackend, what: string, f: () => T): Promise<T> {
  try {
    return await runStep(
      what,
      () => {
        // What came from outside, after the last step, is told here: nobody else would tell it.
        guarded.errors.check('reported before this step');
        guarded.beginStep();
        const returned = f();
        if (returned instanceof Promise) {
          returned.catch(() => undefined);
          throw new TypeError('a step must not be asynchronous: await what it needs before it');
        }
        guarded.submit();
        guarded.endStep();
        return returned;
      },
      () => guarded.settle(),
    );
  } catch (error) {
    guarded.clearUp();
    throw error;
  }
}
