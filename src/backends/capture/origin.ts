// Where in the caller's source something was computed: what a refusal points at.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A moment in the program: its stack is read only when somebody asks. */
export type Moment = Error;

/** Deep enough to come out of TensorFlow.js's own calls, of kernels in kernels in gradients. */
const depth = 80;

/** The stack as it is now. */
export function now(): Moment {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  const moment = new Error('here');
  Error.stackTraceLimit = before;
  return moment;
}

const backends = path.dirname(__dirname);
const isOurs = (file: string): boolean =>
  file.startsWith(backends + path.sep) || file.includes(`${path.sep}node_modules${path.sep}`);

/**
 * The first place outside TensorFlow.js and the backends, with its line of source where that can be read:
 * `models/vit.ts:41 (const noise = tf.randomNormal(x.shape))`.
 */
export function originOf(moment: Moment): string {
  for (const line of (moment.stack ?? '').split('\n').slice(1)) {
    const found = /(?:\(|at |async )([^()\s][^()]*):(\d+):\d+\)?$/.exec(line);
    if (!found) continue;
    const file = found[1].startsWith('file://') ? fileURLToPath(found[1]) : found[1];
    if (file.startsWith('node:') || file === '<anonymous>' || isOurs(file)) continue;
    const text = sourceLine(file, Number(found[2]));
    return `${shortened(file)}:${found[2]}${text === '' ? '' : ` (${text})`}`;
  }
  return 'a place that the stack does not show';
}

function shortened(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}

function sourceLine(file: string, number: number): string {
  try {
    return readFileSync(file, 'utf8').split('\n')[number - 1]?.trim() ?? '';
  } catch {
    // A cell of a notebook, or a bundle: the place alone must do.
    return '';
  }
}
