// What memory can do here at most: a copy by several threads at once, as the sum of what is read and written.
import { Worker } from 'node:worker_threads';

const copy = `
const { parentPort } = require('node:worker_threads');
const from = new Float64Array(2 ** 23).fill(1), to = new Float64Array(2 ** 23).fill(2);
let least = Infinity;
parentPort.once('message', () => {
  for (let k = 0; k < 12; k++) {
    const begin = performance.now();
    to.set(from);
    least = Math.min(least, performance.now() - begin);
  }
  parentPort.postMessage(least);
});
parentPort.postMessage('ready');
`;

const nextMessage = (worker: Worker): Promise<unknown> =>
  new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });

/** 1e9 bytes a second, read and written, of 64 MiB copied by each of so many threads. */
export async function memoryRate(threads: number): Promise<number> {
  const workers = Array.from({ length: threads }, () => new Worker(copy, { eval: true }));
  await Promise.all(workers.map(nextMessage));
  const answers = workers.map(nextMessage);
  for (const worker of workers) worker.postMessage('go');
  const least = (await Promise.all(answers)) as number[];
  await Promise.all(workers.map((worker) => worker.terminate()));
  return least.reduce((sum, ms) => sum + (2 * 2 ** 26) / ms / 1e6, 0);
}
