// The parts of the suite, in the order in which they are run: what is wrong first, then how fast, then what it takes.
import { inRepo } from '../../base/paths';
import { allocatorEnvironment } from '../allocator-log';
import { allocatorReader } from './allocator';
import { caseNames } from './checks';
import { featureNames } from './features';
import { gatherUnits } from './gather';
import { memoryNames } from './memory';
import type { Part, PartState } from './part';
import type { SamTask } from './sam';
import { roomUnit, samReading, samReadings, stepsOf } from './sam';
import { samAllocatorReader, samPrintedSchema } from './sam-allocator';
import { torchSamRequest } from './sam-step';
import { stepNames, stepsForPeer, ways } from './steps';
import type { TimedUnit } from './units';
import { rehearsedSampling, rehearsedUnits, sampling, timedUnits } from './units';
import type { Request } from './work';

/** The engines of TensorFlow.js that compute on cards. */
export const engines = ['tensorflow', 'webgpu'] as const;
export type Engine = (typeof engines)[number];

export interface PartChoice {
  /** The tiny sizes, and a case of each kind. */
  rehearse: boolean;
  /** The Python that may have PyTorch. */
  python: string;
}

/** With TF32 a product rounds its factors to ten bits: a row of its own, never what float32 means. */
const precision = (tf32: boolean): NodeJS.ProcessEnv => ({ NVIDIA_TF32_OVERRIDE: tf32 ? '1' : '0' });

/**
 * What gives TensorFlow the memory that a reading may have. On a card there is no variable for that, but one for how much of what is
 * free it leaves alone: what the first unit found less the limit. A rehearsal computes on the processor, with the allocator of cards.
 */
export function samEnvironment(rehearse: boolean, unit?: string, state?: PartState): NodeJS.ProcessEnv {
  const limit = unit === undefined ? undefined : samReading(rehearse, 'ours', unit)?.limitBytes;
  const limitMiB = typeof limit === 'number' ? Math.floor(limit / 2 ** 20) : undefined;
  if (rehearse)
    return {
      CUDA_VISIBLE_DEVICES: '-1',
      ...(limitMiB !== undefined && { TF_CPU_BFC_MEM_LIMIT_IN_MB: String(limitMiB) }),
    };
  if (unit === roomUnit) return { TF_DEVICE_MIN_SYS_MEMORY_IN_MB: '0' };
  // By itself it leaves a twentieth alone; a GiB is enough for what CUDA's libraries take beside it.
  if (limitMiB === undefined) return { TF_DEVICE_MIN_SYS_MEMORY_IN_MB: '1024' };
  const found = state?.units[roomUnit];
  const room = found && 'printed' in found ? samPrintedSchema.parse(found.printed).toldLimitMiB : null;
  // Without it there is no limit, and the reading tells that (sam-rows.ts).
  return { TF_DEVICE_MIN_SYS_MEMORY_IN_MB: String(room === null ? 0 : Math.max(0, room - limitMiB)) };
}

/** What is timed. */
export const unitsOf = (rehearse: boolean): readonly TimedUnit[] => (rehearse ? rehearsedUnits : timedUnits);

/** In a rehearsal every eighth case. */
const casesOf = (rehearse: boolean): string[] => caseNames().filter((_, k) => !rehearse || k % 8 === 0);

/** Every part. */
export function partsOf({ rehearse, python }: PartChoice): Part[] {
  const plan = rehearse ? rehearsedSampling : sampling;
  const timed = unitsOf(rehearse).map(({ id }) => id);
  const large = unitsOf(rehearse)
    .filter(({ flop }) => rehearse || flop >= 2 * 1024 ** 3)
    .map(({ id }) => id);
  const task = inRepo('dist', 'profilers', 'card-suite', 'task.js');

  const ours = (
    engine: Engine,
    name: string,
    units: readonly string[],
    request: Request['task'],
    more: Partial<Part> & { env?: NodeJS.ProcessEnv; envOf?: typeof samEnvironment } = {},
  ): Part => {
    const { env = precision(false), envOf, ...rest } = more;
    return {
      name: `${engine} ${name}`,
      units,
      patience: 300,
      program: (some, state) => {
        const asked: Request = { engine, task: request, units: some, rehearse, sampling: plan };
        const own = envOf?.(rehearse, some[0], state);
        return { command: [process.execPath, task, JSON.stringify(asked)], env: { ...env, ...own } };
      },
      ...rest,
    };
  };
  const torch = (
    name: string,
    units: readonly string[],
    tf32: boolean,
    wanted: (some: readonly string[]) => readonly object[],
  ): Part => ({
    name: `torch ${name}`,
    units,
    patience: 300,
    program: (some) => {
      const peers = inRepo('test', 'bench', 'peers');
      const asked = { units: wanted(some), sampling: plan, tf32, rehearse, peers };
      const script = inRepo('src', 'profilers', 'card-suite', 'torch_card.py');
      return { command: [python, script, JSON.stringify(asked)], env: precision(tf32) };
    },
  });
  const torchSam = (name: SamTask, more: Partial<Part>): Part => ({
    name: `torch ${name}`,
    units: samReadings(rehearse, 'torch', name).map(({ id }) => id),
    patience: 300,
    program: (some) => {
      const units = some.map((id) => torchSamRequest(samReading(rehearse, 'torch', id)!));
      const asked = { units, steps: stepsOf(rehearse, name), tf32: false, rehearse };
      const script = inRepo('src', 'profilers', 'card-suite', 'torch_sam_step.py');
      return { command: [python, script, JSON.stringify(asked)], env: precision(false) };
    },
    fresh: true,
    ...more,
  });
  const gathers = gatherUnits(rehearse);
  const samIds = (name: SamTask): string[] => samReadings(rehearse, 'ours', name).map(({ id }) => id);
  const timedOf = (some: readonly string[]): TimedUnit[] =>
    unitsOf(rehearse).filter(({ id }) => some.includes(id));
  const eagerSteps = stepNames(rehearse, ['eager']);
  const alone = { fresh: true, watched: true };
  return [
    ...engines.map((engine) => ours(engine, 'checks', casesOf(rehearse), 'checks')),
    ...engines.map((engine) => ours(engine, 'times', timed, 'times')),
    torch('times', timed, false, timedOf),
    ours('tensorflow', 'steps', stepNames(rehearse, ways), 'steps'),
    ours('webgpu', 'steps', eagerSteps, 'steps'),
    torch('steps', eagerSteps, false, (some) => stepsForPeer(rehearse, some)),
    ours('webgpu', 'features', featureNames, 'features'),
    ours('tensorflow', 'memory', memoryNames(rehearse), 'memory', {
      ...alone,
      env: { ...precision(false), ...allocatorEnvironment },
      printed: allocatorReader,
    }),
    ours('webgpu', 'memory', memoryNames(rehearse), 'memory', alone),
    ours('tensorflow', 'sam times', samIds('sam times'), 'sam times', {
      fresh: true,
      env: { ...precision(false), ...samEnvironment(rehearse) },
    }),
    torchSam('sam times', {}),
    ours('tensorflow', 'sam memory', [roomUnit, ...samIds('sam memory')], 'sam memory', {
      ...alone,
      env: { ...precision(false), ...allocatorEnvironment },
      envOf: samEnvironment,
      printed: () => samAllocatorReader(rehearse, rehearse ? undefined : 'GPU_0_bfc'),
    }),
    torchSam('sam memory', { watched: true }),
    ...engines.map((engine) =>
      ours(
        engine,
        'gather',
        gathers.map(({ id }) => id),
        'gather',
      ),
    ),
    torch(
      'gather',
      gathers.map(({ id }) => id),
      false,
      (some) => gathers.filter(({ id }) => some.includes(id)),
    ),
    ours('tensorflow', 'times tf32', large, 'times', { env: precision(true) }),
    torch('times tf32', large, true, timedOf),
  ];
}
