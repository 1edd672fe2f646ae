// Where in the caller's source something was computed: what a refusal points at.
import { nodeModules } from '../node-modules';

/** A moment in the program: its stack is read only when somebody asks. */
export type Moment = Error;

/** Deep enough to come out of TensorFlow.js's own calls, of kernels in kernels in gradients. */
const depth = 200;

/** The stack as it is now. */
export function now(): Moment {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  const moment = new Error('here');
  Error.stackTraceLimit = before;
  return moment;
}

const slashed = (file: string): string => file.replaceAll('\\', '/');
/** Where this room lies; empty in a bundle for a browser, which has no folders. */
const backends = typeof __dirname === 'undefined' ? '' : slashed(__dirname).split('/').slice(0, -1).join('/');
const isOurs = (file: string): boolean =>
  (backends !== '' && slashed(file).startsWith(`${backends}/`)) || slashed(file).includes('/node_modules/');

/**
 * The first place outside TensorFlow.js and the backends, with its line of source where that can be read:
 * `models/vit.ts:41 (const noise = tf.randomNormal(x.shape))`.
 */
export function originOf(moment: Moment): string {
  for (const line of (moment.stack ?? '').split('\n').slice(1)) {
    const found = /(?:\(|at |async )([^()\s][^()]*):(\d+):\d+\)?$/.exec(line);
    if (!found) continue;
    const node = nodeModules();
    const file = found[1].startsWith('file://') && node ? node('node:url').fileURLToPath(found[1]) : found[1];
    if (file.startsWith('node:') || file === '<anonymous>' || isOurs(file)) continue;
    const text = sourceLine(file, Number(found[2]));
    return `${shortened(file)}:${found[2]}${text === '' ? '' : ` (${text})`}`;
  }
  return 'a place that the stack does not show';
}

function shortened(file: string): string {
  const path = nodeModules()?.('node:path');
  if (!path) return file;
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}

function sourceLine(file: string, number: number): string {
  try {
    const fs = nodeModules()?.('node:fs');
    return fs?.readFileSync(file, 'utf8').split('\n')[number - 1]?.trim() ?? '';
  } catch {
    // A cell of a notebook, or a bundle: the place alone must do.
    return '';
  }
}
