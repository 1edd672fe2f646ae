// Every operation of the project on every backend that is here: right, or refused with the name of one to use.
import { afterAll, expect, it } from 'vitest';
import type { BackendName } from '../../src/backends/backend';
import type { ProofRow } from '../../src/backends/proof/prove';
import { describeWith } from '../setup/peers';
import { expectProofFiles, proveOn } from '../setup/proof-files';

const proofs = new Map<BackendName, ProofRow[]>();

it('cpu: every case is right', async () => {
  await proveOn('cpu', proofs);
  expect(proofs.get('cpu')!.filter(({ status }) => status !== 'right')).toEqual([]);
}, 120_000);
it('wasm: every case is right or refused', () => proveOn('wasm', proofs), 120_000);
describeWith('native-tensorflow', 'TensorFlow', () => {
  it('tensorflow: every case is right or refused', () => proveOn('tensorflow', proofs), 120_000);
});

it('PROOF.md and the list of proven kernels are what came out', () => expectProofFiles(proofs));

afterAll(() => {
  if (!proofs.has('tensorflow'))
    console.warn('PROOF.md: not compared for tensorflow, which this machine lacks');
});
