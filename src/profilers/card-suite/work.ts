// What a process of the suite does: open one engine and go through its units (task.ts starts it).
import { writeSync } from 'node:fs';
import { InputError, messageOf } from '../../base/errors';
import type { Backend, BackendName } from '../../backends/backend';
import { loadCandidate } from '../../backends/choose';
import { say, unitMark } from './messages';
import type { SamTask } from './sam';
import type { Sampling } from './units';

/** What a process is asked. */
export interface Request {
  engine: BackendName;
  task: 'checks' | 'times' | 'steps' | 'memory' | 'features' | 'gather' | SamTask;
  /** Ids, in the order in which they are run. */
  units: readonly string[];
  /** The tiny sizes. */
  rehearse: boolean;
  sampling: Sampling;
}

/** One unit on an open backend; what it returns must be JSON. */
type UnitRunner = (backend: Backend, id: string) => Promise<unknown>;

async function runnerOf(request: Request): Promise<UnitRunner> {
  switch (request.task) {
    case 'checks':
      return (await import('./checks.js')).checkUnit;
    case 'times':
      return (await import('./times.js')).timesRunner(request);
    case 'steps':
      return (await import('./steps.js')).stepsRunner(request);
    case 'memory':
      return (await import('./memory.js')).memoryRunner(request);
    case 'features':
      return (await import('./features.js')).featuresRunner(request);
    case 'gather':
      return (await import('./gather.js')).gatherRunner(request);
    case 'sam times':
    case 'sam memory':
      return (await import('./sam-step.js')).samRunner({ rehearse: request.rehearse, task: request.task });
  }
}

const mark = (what: string, id: string): void => void writeSync(2, `${what}${id}\n`);

/**
 * Go through the units, and say what comes out.
 * @param opened  called with the backend before the first unit
 */
export async function work(
  request: Request,
  opened: (backend: Backend) => void = () => undefined,
): Promise<void> {
  const candidate = await loadCandidate(request.engine);
  let backend: Backend;
  try {
    // No self-test: what is wrong is to be listed, not to hide all the rest.
    backend = await candidate.open({ asked: true });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    say({ refused: { reason: error.problem.given, fix: error.problem.fix } });
    return;
  }
  const { device, gpu, driver, versions, notes = [] } = backend;
  if (gpu === null && !request.rehearse) {
    const fix = 'check the card and its driver (`nvidia-smi`), and `coc native status`';
    say({ refused: { reason: `it computes on ${device}, not on a card`, fix } });
    return;
  }
  say({ facts: { device, gpu, driver, versions, notes: [...notes] } });
  opened(backend);
  const run = await runnerOf(request);
  for (const id of request.units) {
    say({ begin: id });
    mark(unitMark.begin, id);
    try {
      // A device that was lost is opened anew; else this is the same backend, at once.
      const result = await run(await candidate.open({ asked: true }), id);
      mark(unitMark.end, id);
      say({ done: id, result: JSON.parse(JSON.stringify(result)) as never });
    } catch (error) {
      say({ failed: id, message: messageOf(error).split('\n')[0] });
    }
  }
}
