// Profilers of what runs on TensorFlow.js, which is loaded when they are called, not before.
import type { Backend } from '../backends/backend';
import type { TensorTree } from '../backends/training-step';
import type { PolicyComparison, ProfileOptions, TrainingProfile } from './profile-training';
import type { TrainingFunction } from './training-function';
import type { Setting } from './vram/setting';
import type { Tried, TriedNeed, TryLimit } from './vram/try';

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

/** One training step of a setting really run under a limit of memory, in a fresh process (see vram/try.ts). */
export async function trySetting(setting: Setting, limit: TryLimit): Promise<Tried> {
  return (await import('./vram/try.js')).trySetting(setting, limit);
}

/** The least limit under which it fits, by such tries (see vram/try.ts). */
export async function findNeed(
  setting: Setting,
  limit: TryLimit & { resolutionBytes?: number },
): Promise<TriedNeed> {
  return (await import('./vram/try.js')).findNeed(setting, limit);
}
