// Memory policies on webgpu, a card in software: the gradient of one tape on cpu.
import { beforeAll, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { describeWith } from '../setup/peers';
import { useSwiftshader } from '../setup/swiftshader';

describeWith('swiftshader', 'policies on webgpu', () => {
  let cpu: Backend;
  let webgpu: Backend;
  beforeAll(async () => {
    useSwiftshader();
    cpu = await (await import('../../src/backends/cpu.js')).candidate.open();
    const { candidate } = await import('../../src/backends/webgpu.js');
    webgpu = await candidate.open({ asked: true });
  });

  it.each([
    ...['tape', 'per-plane', 'recompute', 'lean', 'chunked', 'per-plane+recompute+lean+chunked'].map(
      (name) => [name, 'SAM'] as const,
    ),
    ...['tape', 'per-plane+recompute+lean+chunked'].map((name) => [name, 'SAM 3'] as const),
  ])(
    '%s of %s',
    async (name, family) => {
      const { tf } = await import('../../src/backends/tf.js');
      const { parsePolicy, tape } = await import('../../src/memory/policy.js');
      const { changes, expectSame } = await import('./changes.js');
      const { smallNetwork, smallTrunk } = await import('./steps.js');
      const network = family === 'SAM' ? smallNetwork : smallTrunk;
      await tf.setBackend('cpu');
      const byTape = await changes(cpu, network, tape, 3);
      await tf.setBackend('webgpu');
      const found = await changes(webgpu, network, parsePolicy(name), 3);
      expect(Object.keys(found.gradients).length).toBeGreaterThan(10);
      expectSame(found, byTape);
    },
    60_000,
  );
});
