// The one link between the kernel and library code in a cell. It hangs on `globalThis`, not on a module: modules are
// dropped and loaded anew when their source changes, the running kernel stays.
import type { Long } from '../base/progress';

/** A MIME bundle: one thing in several forms, by MIME type; the front end shows the richest it can. */
export interface Bundle {
  data: Record<string, unknown>;
  metadata?: Record<string, unknown>;
}

export interface Hub {
  /** The cell that the calling code belongs to, also when it has ended. */
  cell(): Required<Long> | undefined;
  /** Show a bundle in that cell; a bundle with the id of an earlier one replaces it. */
  display(bundle: Bundle, id?: string): void;
  /** Asked by the interrupter in the middle of whatever runs: may it be cut off here? */
  mayCutOff(): boolean;
  /** Called right before it is. */
  cutOff(): void;
}

const key = Symbol.for('cost-of-consistency.kernel');
const place = globalThis as typeof globalThis & { [key]?: Hub };

/** The kernel that runs this process, if one does. */
export function hub(): Hub | undefined {
  return place[key];
}

/** Make the kernel known to library code. */
export function setHub(value: Hub): void {
  place[key] = value;
}

const expression = "globalThis[Symbol.for('cost-of-consistency.kernel')]";
/** How the interrupter, in its own thread, asks the hub. */
export const mayCutOffExpression = `${expression}?.mayCutOff() === true`;
export const cutOffExpression = `${expression}.cutOff()`;
