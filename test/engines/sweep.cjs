// A sweep in a process of its own, for tests that kill it: node sweep.cjs STORE REQUESTS [WORKERS]
'use strict';
const { runAll } = require('../../dist/engines/local.js');
const { RunStore } = require('../../dist/results/run-store.js');

const [store, requests, workers = '2'] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
runAll(JSON.parse(requests), {
  store: new RunStore(store),
  workers: Number(workers),
  signal: stop.signal,
}).then(
  (results) => console.log(JSON.stringify(results)),
  (error) => {
    console.error(error.message);
    process.exitCode = error.name === 'Interrupted' ? 130 : 1;
  },
);
