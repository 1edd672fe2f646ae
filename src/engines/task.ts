// One run in a process of its own.
//
//   started by the engine: the order comes as a message, and the process ends when the engine does
//   node dist/engines/task.js ORDER.json: for whatever else can start a process
import { createRequire } from 'node:module';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { InputError, Interrupted, messageOf } from '../base/errors';
import { isDiskError, readJson } from '../base/files';
import { buildStamp } from '../experiments/job';
import { compute } from '../experiments/run';
import type { StudyDefinition } from '../experiments/study';
import { RunStore } from '../results/run-store';
import type { Order, Word } from './order';
import { exitCodes } from './order';

function say(word: Word): void {
  if (process.connected) process.send!(word);
}

async function work(order: Order): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());
  const { request, identity, build, backend, force } = order;
  try {
    const study = (createRequire(__filename)(request.module) as Record<string, StudyDefinition>)[
      request.name
    ];
    // After loading: this is the code that runs.
    if (buildStamp() !== build) {
      throw new InputError({
        what: `cannot run ${request.study}`,
        given: 'code in dist/ that was built after the sweep began',
        expected: 'the code that the run is stored under',
        fix: 'start again: what is finished is found, the rest is computed with the new code',
      });
    }
    const run = await compute(
      { study, request, identity, build, backend },
      {
        store: new RunStore(order.store),
        force,
        signal: stop.signal,
        progress: (progress) => say({ progress }),
      },
    );
    return run ? exitCodes.done : exitCodes.claimed;
  } catch (error) {
    if (error instanceof Interrupted || stop.signal.aborted) return exitCodes.interrupted;
    process.stderr.write(
      `${error instanceof Error && !(error instanceof InputError) ? error.stack : messageOf(error)}\n`,
    );
    if (!(error instanceof InputError)) {
      say({ failed: messageOf(error) });
      return exitCodes.failed;
    }
    say({ failed: error.message, problem: error.problem });
    return isDiskError(error.cause) ? exitCodes.disk : exitCodes.refused;
  }
}

function end(code: number): void {
  if (!process.connected) process.exit(code);
  // What was said goes out first.
  process.removeAllListeners('disconnect');
  process.once('disconnect', () => process.exit(code));
  process.disconnect();
}

const file = process.argv.at(2);
if (file !== undefined) void work(readJson(file) as Order).then(end);
else {
  process.once('disconnect', () => process.exit(exitCodes.interrupted));
  new Worker(path.join(__dirname, 'parent-watch.js'), { workerData: { parent: process.ppid } }).unref();
  process.once('message', (order: Order) => void work(order).then(end));
}
