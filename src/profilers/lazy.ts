// The profiler of any function of TensorFlow.js, which is loaded when it is called, not before.
import type { Backend } from '../backends/backend';
import type { TensorTree } from '../backends/training-step';
import type { PolicyComparison, ProfileOptions, TrainingProfile } from './profile-training';
import type { TrainingFunction } from './training-function';

/** The memory and FLOPs of training a function, on shapes (see profile-training.ts). */
export async function profileTraining<I extends TensorTree>(
  f: TrainingFunction<I>,
  options: ProfileOptions = {},
): Promise<TrainingProfile> {
  return (await import('./profile-training.js')).profileTraining(f, options);
}

/** One step of each policy really run, beside the same on shapes (see profile-training.ts). */
export async function checkProfile<I extends TensorTree>(
  backend: Backend,
  f: TrainingFunction<I>,
  options: Omit<ProfileOptions, 'like' | 'inputs'> & { inputs?: I } = {},
): Promise<PolicyComparison[]> {
  return (await import('./profile-training.js')).checkProfile(backend, f, options);
}
