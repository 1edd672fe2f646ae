// The nets of the bench, small: captured steps against eager ones. Over many steps the two part as rounding lets them; how far
// is judged by how far the eager step on one thread parts from the eager step on two.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend';
import { captureStep } from '../../../src/backends/capture/capture';
import { loadCandidate } from '../../../src/backends/choose';
import { eagerStep } from '../../../src/backends/eager-step';
import { sgd } from '../../../src/backends/optimisers';
import { tf } from '../../../src/backends/tf';
import { withoutLeak } from '../../setup/leaks';
import { describeWith } from '../../setup/peers';
import { open } from '../../bench/nets';
import { lossesOf, type Net, nets, plans } from './net-losses';
import { largestDifference } from './steps';

const steps = 50;
const gap = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, k) => Math.abs(value - b[k])));

/** Losses of the eager step in a process of its own, whose TensorFlow has so many threads. */
function eagerLosses(threads: number): Record<Net, number[]> {
  // A bundle, for a process of Node's own reads no TypeScript; beside the modules that it needs.
  const outfile = path.resolve('.cache/capture-eager-losses.cjs');
  const entryPoints = [path.join(__dirname, 'eager-losses.ts')];
  buildSync({ entryPoints, outfile, bundle: true, platform: 'node', packages: 'external', format: 'cjs' });
  const out = execFileSync(process.execPath, [outfile, String(steps)], {
    env: { ...process.env, TF_NUM_INTRAOP_THREADS: String(threads) },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(out.split('\n').at(-2)!) as Record<Net, number[]>;
}

let backend: Backend;
describeWith('native-tensorflow', 'the nets, captured', () => {
  beforeAll(async () => {
    backend = await (await loadCandidate('tensorflow')).open();
  });

  it.each(nets)('%s: loss and gradients at equal parameters are the eager ones to 1e-5', async (net) => {
    await withoutLeak(net, async () => {
      const work = open(plans[net]);
      // What momentum keeps after the first step is the gradient, to the last bit.
      const definition = { ...work.definition, optimiser: sgd({ momentum: 0.5 }) };
      const { inputs } = work;
      const [captured, eager] = [
        await captureStep(backend, definition, { inputs }),
        eagerStep(backend, definition),
      ];
      expect(captured.provenance.recordedBy).toBe('shapes');
      const [a, b] = [await captured.run(inputs), await eager.run(inputs)];
      expect(largestDifference(a, b)).toBeLessThan(1e-5);
      const [x, y] = [await captured.read(), await eager.read()];
      const gradients = (after: typeof x): typeof x =>
        Object.fromEntries(Object.entries(after).filter(([name]) => name.startsWith('optimiser/sum/')));
      expect(Object.keys(gradients(x))).not.toHaveLength(0);
      expect(largestDifference(gradients(x), gradients(y))).toBeLessThan(1e-5);
      captured.dispose();
      eager.dispose();
      work.dispose();
      tf.dispose([a, b, x, y]);
    });
  });

  it(
    `over ${steps} steps the loss stays within three times what the number of threads makes, also after a checkpoint`,
    { timeout: 240_000 },
    async () => {
      const [one, two] = [eagerLosses(1), eagerLosses(2)];
      for (const net of nets) {
        await withoutLeak(net, async () => {
          const work = open(plans[net]);
          const { definition, inputs } = work;
          const allowed = Math.max(3 * gap(one[net], two[net]), 1e-6);
          const captured = await captureStep(backend, definition, { inputs });
          const all = await lossesOf(captured, inputs, steps);
          expect(all.at(-1)!).toBeLessThan(all[0]);
          expect(gap(all, one[net])).toBeLessThanOrEqual(allowed);

          // Half captured, a checkpoint, and the rest captured anew and eagerly.
          const first = await captureStep(backend, definition, { inputs });
          const half = await lossesOf(first, inputs, steps / 2);
          const checkpoint = await first.read();
          first.dispose();
          const rest = steps - half.length;
          for (const step of [
            await captureStep(backend, definition, { inputs }),
            eagerStep(backend, definition),
          ]) {
            await step.write(checkpoint);
            const whole = [...half, ...(await lossesOf(step, inputs, rest))];
            expect(gap(whole, one[net])).toBeLessThanOrEqual(allowed);
            step.dispose();
          }
          captured.dispose();
          work.dispose();
          tf.dispose(checkpoint);
        });
      }
    },
  );
});
