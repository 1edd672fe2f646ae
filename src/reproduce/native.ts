// The first step of a run: native TensorFlow, where this machine can have it. A run goes on without it.
import type { Host } from '../backends/native/host';
import { thisHost } from '../backends/native/host';
import type { Prospect } from '../backends/native/install';
import { installNative, nativeProspect } from '../backends/native/install';
import { linkBinding, nativeState } from '../backends/native/state';
import { InputError, Interrupted, messageOf } from '../base/errors';
import type { Long } from '../base/progress';
import { formatBytes } from '../base/progress';
import type { StepReport } from './report';

/** Whether a run gets native TensorFlow by itself: unless `--no-native` or `COC_NATIVE=0` declines. @throws InputError */
export function wantsNative(option = true): boolean {
  const { COC_NATIVE: value = '' } = process.env;
  if (!['', '0', '1'].includes(value))
    throw new InputError({
      what: 'cannot tell whether native TensorFlow is wanted',
      given: `COC_NATIVE=${value}`,
      expected: '0 (not installed by a run), 1, or unset',
      fix: 'set one of these',
    });
  return option && value !== '0';
}

/** Install it if it is not there; whatever keeps it away is said here, once. @throws Interrupted */
export async function nativeStep(
  say: (line: string) => void,
  long: Long,
  host: Host = thisHost(),
): Promise<StepReport> {
  const report = (line: string): StepReport => ({ step: 'engine', line, skips: [] });
  try {
    // After `npm ci` the binding is put back, which takes milliseconds.
    const there = linkBinding(host);
    const { tensorflow, installed } = there.installed ? there : await installNative({ say, ...long }, host);
    const form = installed === 'gpu' ? 'NVIDIA cards' : 'the processor';
    return report(`native TensorFlow${tensorflow ? ` ${tensorflow}` : ''} for ${form}`);
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return report(`wasm. ${messageOf(error)}`);
  }
}

/** What `nativeStep` would do. */
export type PlannedNative = { state: 'installed' | 'declined' } | Prospect;

/** What a run would do about native TensorFlow. Fetches nothing. */
export async function plannedNative(option?: boolean, host: Host = thisHost()): Promise<PlannedNative> {
  if (nativeState(host).installed) return { state: 'installed' };
  return wantsNative(option) ? nativeProspect(host) : { state: 'declined' };
}

/** The plan's line. */
export function plannedNativeText(planned: PlannedNative): string {
  switch (planned.state) {
    case 'installed':
      return 'Engine: native TensorFlow, installed';
    case 'declined':
      return 'Engine: native TensorFlow is not installed, and declined (--no-native or COC_NATIVE=0)';
    case 'impossible':
      return `Engine: wasm. ${planned.reason}`;
    case 'to install': {
      const sizes = `${formatBytes(planned.fetchBytes)} by pip, ${formatBytes(planned.diskBytes)} on disk`;
      return `Engine: native TensorFlow will be installed first: ${sizes} (--no-native declines)`;
    }
  }
}
