// What the comparison of a dry run with the run is for: an error of one float, in a kernel or in a rule, and what is kept
// and never freed, are planted, found, and called by their names.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import type { Ledger } from '../../src/backends/ledger';
import { ledgerDifferences } from '../../src/backends/ledger-difference';
import { dryRunStep } from '../../src/backends/meta/dry-run';
import { adam } from '../../src/backends/optimisers';
import { scope } from '../../src/backends/scope';
import { trackStep } from '../../src/backends/tracker';
import type { StepDefinition } from '../../src/backends/training-step';
import { tf } from '../../src/backends/tf';
import type { WasmBackend } from '../../src/backends/wasm/module';
import { plant } from './ledger/planted-kernels';

let backend: Backend;
beforeAll(async () => {
  backend = await (await loadCandidate('wasm')).open();
});

/** A step in whose loss something may be planted, with one more result. */
async function ledgers(hidden: (x: tf.Tensor) => tf.Tensor): Promise<{ dry: Ledger; real: Ledger }> {
  const [w, x] = [tf.ones([4, 3]), tf.ones([5, 4])];
  const definition: StepDefinition = {
    name: 'the planted step',
    parameters: { trained: { w }, frozen: {} },
    optimiser: adam(),
    loss: (p, inputs) => {
      const product = tf.matMul((inputs as { x: tf.Tensor }).x, (p.trained as { w: tf.Tensor }).w);
      const y = scope('net', () => hidden(product));
      return { loss: tf.mean(tf.square(y)), sums: scope('sums', () => tf.cumsum(tf.square(product))) };
    },
  };
  const { ledger: dry } = dryRunStep(definition, { x });
  const { returned, ledger: real } = await trackStep(backend, definition, { x });
  tf.dispose([w, x, returned]);
  return { dry, real };
}
const messages = ({ dry, real }: { dry: Ledger; real: Ledger }): string[] =>
  ledgerDifferences(dry, real).map(({ message }) => message.replace(/allocation \d+, /, ''));

describe('planted and found', () => {
  it('nothing, where nothing is planted', async () => {
    const both = await ledgers((x) => tf.tanh(x));
    expect(messages(both)).toEqual([]);
  });

  it('a kernel that takes one float too many', async () => {
    plant('Tanh', 'wasm', () => ({ inputs, backend: kernels }) => {
      const { shape, dtype } = inputs.x!;
      const size = tf.util.sizeFromShape(shape);
      return { ...(kernels as WasmBackend).makeOutput([size + 1], dtype), shape };
    });
    const both = await ledgers((x) => tf.tanh(x));
    expect(messages(both)).toEqual([
      'Tanh [5, 3] float32 in net (forward): 60 bytes, and 64 in the second ledger (+4)',
    ]);
    const after = (ledger: Ledger): number => {
      const { made } = ledger.allocations().find(({ op }) => op === 'Tanh')!;
      return ledger.timeline().find(({ sequence }) => sequence === made)!.bytes;
    };
    expect(after(both.real)).toBe(after(both.dry) + 4);
  });

  it('a shape rule that is one float off', async () => {
    let planted = false;
    const both = await ledgers((x) => {
      // The kernels of a dry run are there while it runs.
      if (tf.getBackend() === 'meta' && !planted) {
        planted = true;
        const kernel = tf.getKernel('Cumsum', 'meta');
        tf.unregisterKernel('Cumsum', 'meta');
        tf.registerKernel({
          ...kernel,
          kernelFunc: (call) =>
            kernel.kernelFunc({ ...call, inputs: { x: { ...call.inputs.x!, shape: [16] } } }),
        });
      }
      return tf.tanh(x);
    });
    expect(planted).toBe(true);
    expect(messages(both)).toEqual([
      'Cumsum [16] float32 in sums (forward), 64 bytes: not in the second ledger',
      'Cumsum [5, 3] float32 in sums (forward), 60 bytes: not in the first ledger',
    ]);
  });

  it('a kernel that makes a buffer for itself and keeps it', async () => {
    const kept: object[] = [];
    plant('Tanh', 'wasm', (kernel) => (call) => {
      kept.push((call.backend as WasmBackend).makeOutput([7], 'float32').dataId);
      return kernel(call);
    });
    const both = await ledgers((x) => tf.tanh(x));
    expect(messages(both)).toEqual(['Tanh [7] float32 in net (forward), 28 bytes: not in the first ledger']);
    expect(both.real.left()).toBe(both.dry.left() + 28);
    for (const id of kept) (tf.backend() as WasmBackend).disposeData(id, true);
  });

  it('a kernel that copies where it should share', async () => {
    plant('Identity', 'wasm', () => ({ inputs, backend: kernels }) => {
      const { shape, dtype } = inputs.x!;
      return (kernels as WasmBackend).makeOutput(shape, dtype);
    });
    const found = messages(await ledgers((x) => tf.tanh(x)));
    expect(found.length).toBeGreaterThan(5);
    expect(found).toContain('Identity [5, 3] float32 in net (forward), 60 bytes: not in the first ledger');
  });

  it('a model that keeps a tensor on the backend alone', async () => {
    let kept: tf.Tensor | undefined;
    const both = await ledgers((x) => {
      const y = tf.tanh(x);
      return tf.getBackend() === 'wasm' ? (kept = tf.keep(tf.exp(y))) : tf.exp(y);
    });
    expect(messages(both)).toEqual([
      'Exp [5, 3] float32 in net (forward): 60 bytes are never freed in the second ledger',
    ]);
    kept!.dispose();
  });

  it('a model that keeps a tensor wherever it runs: both ledgers have it at the end, beside the results', async () => {
    const kept: tf.Tensor[] = [];
    const both = await ledgers((x) => {
      const y = tf.exp(tf.tanh(x));
      kept.push(tf.keep(y));
      return y;
    });
    expect(messages(both)).toEqual([]);
    for (const ledger of [both.dry, both.real]) {
      const left = ledger.allocations().filter((a) => a.freed === null && a.phase === 'forward');
      expect(left.map(({ op, shape, scope: part }) => `${op} [${shape.join(', ')}] ${part}`)).toEqual([
        'Exp [5, 3] net',
        'Mean [] ',
        'Cumsum [5, 3] sums',
      ]);
    }
    tf.dispose(kept);
  });
});
