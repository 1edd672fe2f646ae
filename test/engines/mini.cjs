// Small studies for the tests of the engine: what they find depends on their spec alone, and they take as long as it says.
'use strict';
const fs = require('node:fs');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What is done is put down in the file COC_TEST_TRACE, one line each. */
function trace(...words) {
  if (process.env.COC_TEST_TRACE) fs.appendFileSync(process.env.COC_TEST_TRACE, `${words.join(' ')}\n`);
}

/**
 * One run: a chain of numbers with a checkpoint after each step. `trouble` is what goes wrong in step 2: `once` ends the
 * process in its first attempt, `always` in each, `throws` throws, `refuses` throws an InputError.
 */
async function runOne(spec, { checkpoint, signal, progress } = {}) {
  const resumed = checkpoint?.load();
  let { step, value } = resumed ?? { step: 0, value: spec.seed };
  trace('begin', spec.seed);
  while (step < spec.steps) {
    await pause(spec.milliseconds / spec.steps);
    if (signal?.aborted) throw new Error('the signal was aborted');
    if (step === 2) goWrong(spec.trouble, resumed);
    value = (value * 48271) % 2147483647;
    step++;
    trace('step', spec.seed, step);
    checkpoint?.save({ step, value });
    progress?.({ task: 'steps', done: step, total: spec.steps, unit: 'steps', seconds: 0, finished: false });
  }
  trace('end', spec.seed);
  return { seed: spec.seed, value };
}

function goWrong(trouble, resumed) {
  if (trouble === 'once' && !resumed) process.kill(process.pid, 'SIGKILL');
  if (trouble === 'always') {
    console.error('the last words of this run');
    process.exit(9);
  }
  if (trouble === 'throws') throw new Error('a mistake of this study');
  if (trouble === 'refuses') {
    const { InputError } = require('../../dist/base/errors.js');
    throw new InputError({ what: 'cannot run', given: 'this', expected: 'that', fix: 'do that' });
  }
}

const finding = (value) => ({
  id: 'mini.sum',
  title: 'The sum of a test',
  kind: 'derived',
  unit: '1',
  value,
  uncertainty: null,
});
const outcomeOf = (value) => ({ findings: [finding(value)], inputs: [], notes: [], seed: null });

const common = {
  title: 'A study of the tests',
  module: 'none',
  needs: [],
  specs: { tiny: {}, quick: {}, full: {} },
  cost: { quick: { seconds: 10, memoryGiB: 0.1 }, full: { seconds: 40, memoryGiB: 0.1 } },
};

/** A sweep of `runs` runs; `troubles` by seed. */
exports.mini = {
  ...common,
  id: 'mini',
  name: 'mini',
  sweep: {
    specs: ({ runs, steps, milliseconds, troubles = {} }) =>
      Array.from({ length: runs }, (_, i) => ({
        seed: i + 1,
        steps,
        milliseconds,
        ...(troubles[i + 1] && { trouble: troubles[i + 1] }),
      })),
    runOne,
    combine: (_, parts) => outcomeOf(parts.reduce((sum, part) => sum + part.value, 0)),
  },
};

/** A single run; measures time, as it says. */
exports.clock = {
  ...common,
  id: 'clock',
  name: 'clock',
  timed: true,
  run: async (spec, long) => outcomeOf((await runOne(spec, long)).value),
};

/** Lets nothing else happen in its process for some time. */
exports.busy = {
  ...common,
  id: 'busy',
  name: 'busy',
  run: (spec) => {
    for (const began = performance.now(); performance.now() - began < spec.milliseconds;) trace('busy');
    return Promise.resolve(outcomeOf(1));
  },
};
