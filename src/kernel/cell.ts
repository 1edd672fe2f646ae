// What code in a notebook cell can ask of the kernel. It works outside a kernel too, where it asks for nothing.
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { hub } from './hub';

/**
 * The running cell's way to stop and to report: pass it to every long function, `await resample(volume, cell())`.
 * The signal is aborted when the reader interrupts the cell; progress draws one line in the cell that renews itself.
 * Outside a kernel the signal is never aborted and progress goes nowhere.
 */
export function cell(): Required<Long> {
  return hub()?.cell() ?? { signal: new AbortController().signal, progress: () => undefined };
}

/**
 * Show something in the cell in several forms at once; the front end takes the richest that it can.
 * @param data      by MIME type: text for `text/*` and `image/svg+xml`, base64 for other images, objects for JSON
 * @param metadata  by MIME type, e.g. `{'image/png': {width: 640}}`
 * @param id        a second bundle with the same id takes the place of the first, also from a later cell
 * @throws InputError outside a kernel
 */
export function displayBundle(
  data: Record<string, unknown>,
  metadata: Record<string, unknown> = {},
  id?: string,
): void {
  const kernel = hub();
  if (!kernel) {
    throw new InputError({
      what: `cannot show ${Object.keys(data).join(', ')}`,
      given: 'a plain Node process',
      expected: 'a notebook cell',
      fix: 'run this in a notebook (`npm run lab`, or `coc notebook run FILE`)',
    });
  }
  kernel.display({ data, metadata }, id);
}
