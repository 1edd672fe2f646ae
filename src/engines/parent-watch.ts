// A thread beside a run: ends the process when the one that started it is gone. The run itself may be deep in a loop that
// lets nothing else happen.
import { workerData } from 'node:worker_threads';

const { parent } = workerData as { parent: number };

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 250);
