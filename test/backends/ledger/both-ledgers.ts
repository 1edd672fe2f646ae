// One training step twice: on shapes and on a backend.
import { expect } from 'vitest';
import type { Backend } from '../../../src/backends/backend';
import type { Ledger } from '../../../src/backends/ledger';
import { ledgerDifferences } from '../../../src/backends/ledger-difference';
import { dryRunStep } from '../../../src/backends/meta/dry-run';
import { trackStep } from '../../../src/backends/tracker';
import { tf } from '../../../src/backends/tf';
import { freeNet, type NetPlan } from './random-nets';

/** The ledgers of a net's first step; both runs leave nothing behind. */
export async function bothLedgers(backend: Backend, plan: NetPlan): Promise<{ dry: Ledger; real: Ledger }> {
  const before = tf.memory().numTensors;
  const net = plan.build();
  const { definition, inputs } = net;
  const { ledger: dry } = dryRunStep(definition, inputs as never, { like: backend.name });
  const { returned, ledger: real } = await trackStep(backend, definition, inputs);
  tf.dispose(returned);
  freeNet(net);
  expect(tf.memory().numTensors).toBe(before);
  return { dry, real };
}

/** Where two ledgers differ, in words: in what is made and freed, and in what it is said to be for. */
export function differencesOf(dry: Ledger, real: Ledger): string[] {
  const differences = ledgerDifferences(dry, real).map(({ message }) => message);
  if (differences.length > 0) return differences;
  const others = real.allocations();
  return dry.allocations().flatMap((one, k) => {
    const said = (a: typeof one): string => `${a.category}, ${a.phase}`;
    return said(one) === said(others[k])
      ? []
      : [`${one.op} [${one.shape.join(', ')}]: ${said(one)}, and ${said(others[k])} in the second ledger`];
  });
}
