// The parts of the suite, in the order in which they are run: what is wrong first, then how fast, then what it takes.
import { inRepo } from '../../base/paths';
import { allocatorEnvironment } from '../allocator-log';
import { allocatorReader } from './allocator';
import { caseNames } from './checks';
import { featureNames } from './features';
import { memoryNames } from './memory';
import type { Part } from './part';
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
    more: Partial<Part> & { env?: NodeJS.ProcessEnv } = {},
  ): Part => {
    const { env = precision(false), ...rest } = more;
    return {
      name: `${engine} ${name}`,
      units,
      patience: 300,
      program: (some) => {
        const asked: Request = { engine, task: request, units: some, rehearse, sampling: plan };
        return { command: [process.execPath, task, JSON.stringify(asked)], env };
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
    ours('tensorflow', 'times tf32', large, 'times', { env: precision(true) }),
    torch('times tf32', large, true, timedOf),
  ];
}
