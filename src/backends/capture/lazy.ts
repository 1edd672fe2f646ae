// Capturing, for whoever has a backend: TensorFlow.js is loaded when something is captured, not before.
import type { Backend } from '../backend';
import type { Parameters, StepDefinition, TensorTree } from '../training-step';
import type { CapturedStep, CaptureOptions } from './capture';
import type { CapturedFunction, FunctionDefinition } from './function';

/** Capture a training step: recorded once, replayed as one graph of TensorFlow (see capture.ts). */
export async function captureStep<P extends Parameters, I extends TensorTree>(
  backend: Backend,
  definition: StepDefinition<P, I>,
  options: CaptureOptions,
): Promise<CapturedStep<I>> {
  return (await import('./capture.js')).captureStep(backend, definition, options);
}

/** Capture a function that trains nothing (see function.ts). */
export async function captureFunction<P extends TensorTree, I extends TensorTree>(
  backend: Backend,
  definition: FunctionDefinition<P, I>,
  options: CaptureOptions,
): Promise<CapturedFunction<I>> {
  return (await import('./function.js')).captureFunction(backend, definition, options);
}
