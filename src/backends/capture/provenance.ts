// How a captured step came about: what a result says of the step that it was computed with.
import type { RecordedBy } from './record';
import type { CompilerChoice } from './compiler';

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
