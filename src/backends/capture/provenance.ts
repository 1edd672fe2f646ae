// How a captured step came about: what a result says of the step that it was computed with.
import { messageOf } from '../../base/errors';
import type { RecordedBy } from './record';
import type { CompilerChoice } from './compiler';
import type { CaptureRefusal } from './refusal';

export interface CaptureProvenance {
  /** Replayed as a graph, or run operation by operation because it was refused. */
  runs: 'captured' | 'eager';
  /** The refusal that made it run eagerly; null when it is captured. */
  refusal: string | null;
  /** How shapes were found, and why so; of the latest recording. Null when nothing was recorded. */
  recordedBy: RecordedBy | null;
  why: string;
  /** Which compiler, why, and the times that it was chosen by. */
  compiler: CompilerChoice | null;
  /** Shapes of inputs that there is a graph for. */
  shapes: readonly string[];
  /** Operations and constants of all graphs. */
  nodes: number;
  /** Recording, and building and optimising graphs, in all so far. */
  recordMs: number;
  compileMs: number;
}

/** Of what runs eagerly because it cannot be captured. */
export const eagerProvenance = (refusal: CaptureRefusal): CaptureProvenance => ({
  runs: 'eager',
  refusal: messageOf(refusal),
  recordedBy: null,
  why: 'it cannot be captured',
  compiler: null,
  shapes: [],
  nodes: 0,
  recordMs: 0,
  compileMs: 0,
});
