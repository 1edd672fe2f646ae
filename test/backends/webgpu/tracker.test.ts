// The tracker on webgpu: it agrees with a dry run event by event, and with the buffer manager's own count of bytes.
import { beforeAll, expect, it } from 'vitest';
import type { tf as Tf } from '../../../src/backends/tf';
import type { WebgpuBackend } from '../../../src/backends/webgpu/open';
import { describeWith } from '../../setup/peers';
import { useSwiftshader } from '../../setup/swiftshader';
import { bothLedgers, differencesOf } from '../ledger/both-ledgers';
import { freeNet, randomConvNet, randomVit } from '../ledger/random-nets';

/** What a buffer holds: tensors can be read by shaders; uniforms and what carries numbers to the device cannot. */
interface Manager {
  numBytesUsed: number;
  acquireBuffer(size: number, usage: number, ...rest: unknown[]): GPUBuffer;
  releaseBuffer(buffer: GPUBuffer, ...rest: unknown[]): void;
}
interface Kernels {
  bufferManager: Manager;
  tensorMap: { get(id: object): { resource?: unknown }; has(id: object): boolean };
}
const storage = 0x80;

describeWith('swiftshader', 'the tracker on webgpu', () => {
  let backend: WebgpuBackend;
  let tf: typeof Tf;

  beforeAll(async () => {
    useSwiftshader();
    const { candidate } = await import('../../../src/backends/webgpu.js');
    backend = await candidate.open({ asked: true });
    ({ tf } = await import('../../../src/backends/tf.js'));
  });

  // Small ones: this card is a program.
  const plans = [
    randomVit(0),
    randomVit(2),
    randomVit(4),
    randomConvNet(2),
    randomConvNet(6),
    randomConvNet(7),
  ];
  it.each(plans.map((plan) => [plan.name, plan] as const))('%s', async (_, plan) => {
    const { dry, real } = await bothLedgers(backend, plan);
    expect(differencesOf(dry, real)).toEqual([]);
    expect(real.peak().bytes).toBe(dry.peak().bytes);
    expect(real.backend).toBe('webgpu');
  });

  it('counts a bool with four bytes, in both', async () => {
    const { dryRun } = await import('../../../src/backends/meta/dry-run.js');
    const { track } = await import('../../../src/backends/tracker.js');
    const x = tf.ones([2, 5]);
    const f = (): Tf.Tensor => tf.greater(x, 0);
    const { ledger: dry } = dryRun('bools', { inputs: x }, f, { like: 'webgpu' });
    const { ledger: real, returned } = await track(backend, 'bools', { inputs: [x] }, f);
    expect(real.allocations().map(({ op, bytes }) => `${op} ${bytes}`)).toEqual([
      'given 40',
      'host 4',
      'Greater 40',
    ]);
    expect(differencesOf(dry, real)).toEqual([]);
    tf.dispose([x, returned]);
  });

  it("after every event, what is on the device is the buffer manager's own count", async () => {
    const { watchBuffers } = await import('../../../src/backends/buffers.js');
    const { track } = await import('../../../src/backends/tracker.js');
    const { flattenTree } = await import('../../../src/backends/training-step.js');
    const { givenToStep, watchedStep } = await import('../../../src/backends/watched-step.js');
    const kernels = tf.backend() as unknown as Kernels;
    const manager = kernels.bufferManager;
    for (const plan of [randomVit(3), randomConvNet(5)]) {
      const net = plan.build();
      const { definition, inputs } = net;
      const trained = flattenTree(definition.parameters.trained);
      const state = tf.tidy(() => definition.optimiser.start(trained));
      const tensors = { trained, frozen: definition.parameters.frozen, state, inputs };
      const given = givenToStep(tensors);
      backend.flush();

      // Bytes of buffers that are no tensor's.
      const others = new Map<GPUBuffer, number>();
      const [acquire, release] = [manager.acquireBuffer.bind(manager), manager.releaseBuffer.bind(manager)];
      manager.acquireBuffer = (size, usage, ...rest) => {
        const buffer = acquire(size, usage, ...rest);
        if ((usage & storage) === 0) others.set(buffer, size);
        return buffer;
      };
      manager.releaseBuffer = (buffer, ...rest) => {
        release(buffer, ...rest);
        others.delete(buffer);
      };
      const sum = (sizes: Iterable<number>): number => [...sizes].reduce((a, b) => a + b, 0);
      const onDevice = (id: object): boolean =>
        kernels.tensorMap.has(id) && !!kernels.tensorMap.get(id).resource;

      const live = new Map<object, number>();
      for (const tensor of Object.values(given).flat()) live.set(tensor.dataId, 4 * tensor.size);
      const before =
        manager.numBytesUsed - sum([...live].filter(([id]) => onDevice(id)).map(([, bytes]) => bytes));
      let [compared, most] = [0, 0];
      const compare = (): void => {
        const resident = sum([...live].filter(([id]) => onDevice(id)).map(([, bytes]) => bytes));
        if (manager.numBytesUsed - sum(others.values()) - before !== resident)
          throw new Error(
            `event ${compared}: ${manager.numBytesUsed} by the manager, ${resident} by the tracker`,
          );
        compared++;
        most = Math.max(most, resident);
      };
      const watch = watchBuffers('webgpu', kernels, {
        made(id, { bytes }) {
          live.set(id, bytes);
          compare();
        },
        freed(id) {
          live.delete(id);
          compare();
        },
      });
      const { returned, ledger } = await track(backend, plan.name, given, (own) =>
        watchedStep(own, definition, tensors),
      );
      watch.stop();
      Object.assign(manager, { acquireBuffer: acquire, releaseBuffer: release });
      compare();
      // All events but the given tensors', which came before.
      const events = ledger.timeline({ kernelTemporaries: true }).length;
      expect(compared).toBe(events - Object.values(given).flat().length + 1);
      expect(compared).toBeGreaterThan(200);
      // Numbers from code are counted when they are given to the backend, and are on the device when a kernel needs them.
      const peak = ledger.peak({ kernelTemporaries: true });
      expect(most).toBeLessThanOrEqual(peak.bytes);
      expect(most).toBeGreaterThan(0.9 * peak.bytes);
      tf.dispose([returned.outputs, returned.trained, returned.state, state]);
      freeNet(net);
    }
  });
});
