// What a gradient saves is freed by the gradient itself, when it is done; one that fails half-way leaves it all behind, out
// of everybody's reach: for a step that ran out of memory, every activation up to there.
import { replacing } from '../base/replacing';
import { tf } from './tf';

/** The parts of TensorFlow.js's engine that this leans on (4.22; private there, so a test watches them). */
interface Engine {
  /** Only saving for the backward pass goes through it: `tf.clone` does not. */
  clone(x: tf.Tensor): tf.Tensor;
  state: { gradientDepth: number; activeTape: unknown[] | null };
}

/**
 * Call a function and, when it throws, free what its gradients had saved up to there.
 * @throws what the function throws
 */
export function freeingSaved<T>(f: () => T): T {
  const engine = tf.engine() as unknown as Engine;
  const clone = engine.clone.bind(engine);
  const saved: tf.Tensor[] = [];
  const restore = replacing(engine, {
    clone(x) {
      const copy = clone(x);
      saved.push(copy);
      return copy;
    },
  });
  try {
    return f();
  } catch (error) {
    tf.dispose(saved);
    // The tape of a backward pass that failed would be taken for one that is still being recorded.
    if (engine.state.gradientDepth === 0) engine.state.activeTape = null;
    throw error;
  } finally {
    restore();
  }
}
