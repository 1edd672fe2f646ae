// The device's own clock.
import { tf } from '../tf';
import { stepOn } from './step';
import type { GuardedBackend } from './tfjs-backend';

/** Time that the device spent in kernels; null where it does not tell. */
export type DeviceTime = { milliseconds: number; kernels: number } | { milliseconds: null; why: string };

/**
 * Milliseconds that the device spent in the kernels of `f`, each by itself, without copies to and from it. Tensors that
 * `f` makes are freed.
 */
export async function timeOnDevice(
  guarded: GuardedBackend,
  what: string,
  f: () => void,
): Promise<DeviceTime> {
  if (!guarded.device.features.has('timestamp-query'))
    return { milliseconds: null, why: 'the adapter has no timestamp-query' };
  let timing: ReturnType<GuardedBackend['time']> | undefined;
  await stepOn(guarded, what, () => {
    const failures: unknown[] = [];
    // An error inside `time` would leave its timers running.
    timing = guarded.time(() => {
      try {
        tf.tidy(f);
      } catch (error) {
        failures.push(error);
      }
    });
    timing.catch(() => undefined);
    if (failures.length > 0) throw failures[0];
  });
  const times = await timing!;
  const names = times.getExtraProfileInfo?.() ?? '';
  return { milliseconds: times.kernelMs as number, kernels: names === '' ? 0 : names.split(', ').length };
}
