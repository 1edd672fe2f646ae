// What the browser's worker runs: bundled by worker.test.ts.
import { dryRunStep } from '../../../src/backends/meta/dry-run';
import { smallInputs, smallNet } from './small-net';

const { ledger, flops } = dryRunStep(smallNet, smallInputs);
const worker = globalThis as unknown as { postMessage(message: object): void };
worker.postMessage({
  peak: ledger.peak(),
  ledger: ledger.toJSON(),
  flops: flops.total(),
  kernels: flops.kernels,
});
