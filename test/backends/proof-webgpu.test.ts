// The proof on WebGPU, by a card in software. It has a file, and so a process, of its own.
import { it } from 'vitest';
import type { BackendName } from '../../src/backends/backend';
import type { ProofRow } from '../../src/backends/proof/prove';
import { describeWith } from '../setup/peers';
import { expectProofFiles, proveOn } from '../setup/proof-files';
import { useSwiftshader } from '../setup/swiftshader';

const proofs = new Map<BackendName, ProofRow[]>();

describeWith('swiftshader', 'SwiftShader', () => {
  it('webgpu: every case is right or refused', async () => {
    useSwiftshader();
    await proveOn('webgpu', proofs);
  }, 400_000);

  it('PROOF.md and the list of proven kernels are what came out', () => expectProofFiles(proofs));
});
