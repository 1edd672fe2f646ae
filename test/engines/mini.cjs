// Small studies for the tests of the engine: what they find depends on their spec only, and they take as long as it says.
'use strict';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One run: a chain of numbers, with a checkpoint after each step. What it does is put down in COC_TEST_TRACE. */
async function runOne(spec, { checkpoint, signal, progress } = {}) {
  const fs = require('node:fs');
  const trace = (line) => {
    if (process.env.COC_TEST_TRACE) fs.appendFileSync(process.env.COC_TEST_TRACE, `${line}\n`);
  };
  const state = checkpoint?.load() ?? { step: 0, value: spec.seed };
  let { step, value } = state;
  while (step < spec.steps) {
    await pause(spec.milliseconds / spec.steps);
    if (signal?.aborted) throw new Error('stopped');
    value = (value * 48271) % 2147483647;
    step++;
    trace(`${spec.seed} ${step}`);
    checkpoint?.save({ step, value });
    progress?.({ task: 'steps', done: step, total: spec.steps, unit: 'steps', seconds: 0, finished: false });
  }
  return { seed: spec.seed, value };
}

const finding = (id, value) => ({
  id: `mini.${id}`,
  title: 'A number of a test',
  kind: 'derived',
  unit: '1',
  value,
  uncertainty: null,
});

const sweep = {
  specs: (spec) =>
    Array.from({ length: spec.runs }, (_, i) => ({
      seed: i + 1,
      steps: spec.steps,
      milliseconds: spec.milliseconds,
    })),
  runOne,
  combine: (spec, parts) => ({
    findings: [
      finding(
        'sum',
        parts.reduce((sum, part) => sum + part.value, 0),
      ),
    ],
    inputs: [],
    notes: [],
    seed: null,
  }),
};

const common = {
  title: 'A study of the tests',
  module: 'none',
  needs: [],
  specs: { tiny: {}, quick: {}, full: {} },
  cost: { quick: { seconds: 10, memoryGiB: 0.1 }, full: { seconds: 10, memoryGiB: 0.1 } },
};

exports.mini = { ...common, id: 'mini', name: 'mini', sweep };
