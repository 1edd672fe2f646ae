// The ways to run a step, for whoever has a backend: TensorFlow.js is loaded when one of them is called, not before.
import type { Backend } from './backend';
import type { CapturedStep, CaptureOptions } from './capture/capture';
import type { CapturedFunction, FunctionDefinition } from './capture/function';
import type { BlankStep, BlankTree, DryRun, DryRunOptions } from './meta/dry-run';
import type { Tracked } from './tracker';
import type { Parameters, StepDefinition, StepResult, TensorTree } from './training-step';

/** Capture a training step: recorded once, replayed as one graph of TensorFlow (see capture/capture.ts). */
export async function captureStep<P extends Parameters, I extends TensorTree>(
  backend: Backend,
  definition: StepDefinition<P, I>,
  options: CaptureOptions,
): Promise<CapturedStep<I>> {
  return (await import('./capture/capture.js')).captureStep(backend, definition, options);
}

/** Capture a function that trains nothing (see capture/function.ts). */
export async function captureFunction<P extends TensorTree, I extends TensorTree>(
  backend: Backend,
  definition: FunctionDefinition<P, I>,
  options: CaptureOptions,
): Promise<CapturedFunction<I>> {
  return (await import('./capture/function.js')).captureFunction(backend, definition, options);
}

/** Run a training step on shapes alone: every allocation, and FLOPs (see meta/dry-run.ts). */
export async function dryRunStep<P extends Parameters, I extends TensorTree>(
  definition: BlankStep<P, I>,
  inputs: BlankTree,
  options: DryRunOptions & { scalars?: Readonly<Record<string, number>> } = {},
): Promise<DryRun> {
  return (await import('./meta/dry-run.js')).dryRunStep(definition, inputs, options);
}

/** The ledger of a training step that is really run (see tracker.ts). */
export async function trackStep<P extends Parameters, I extends TensorTree>(
  backend: Backend,
  definition: StepDefinition<P, I>,
  inputs: I,
  scalars: Readonly<Record<string, number>> = {},
): Promise<Tracked<StepResult['outputs']>> {
  return (await import('./tracker.js')).trackStep(backend, definition, inputs, scalars);
}
