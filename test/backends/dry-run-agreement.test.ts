// Dry run and real run agree to the byte, event by event: whole training steps of nets drawn at random, on every backend.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend, BackendName } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { hasPeer } from '../setup/peers';
import { bothLedgers, differencesOf } from './ledger/both-ledgers';
import { loraVit, open, unet3d } from '../bench/nets';
import { type NetPlan, randomConvNet, randomVit } from './ledger/random-nets';

const seeds = Array.from({ length: 20 }, (_, seed) => seed);
/** Nets of the bench, in small: their data is freed by their own function. */
const benched = [
  loraVit({ image: 32, patch: 8, width: 24, depth: 2, heads: 2, rank: 2, views: 2 }),
  unet3d({ size: 8, base: 4, levels: 3, classes: 2 }),
].map((plan): NetPlan => ({ name: plan.name, build: () => open(plan) }));
const plans: NetPlan[] = [...seeds.flatMap((seed) => [randomVit(seed), randomConvNet(seed)]), ...benched];

it('the nets differ from each other, and every choice is among them', () => {
  const names = plans.map(({ name }) => name);
  expect(new Set(names).size).toBe(plans.length);
  const words = 'sgd,momentum,adam,adamw,views 3,adapted all,batched true,2-D,3-D,stride,max,average,transposed,nearest,product,concat,add,instance,batch,relu,gelu,silu,elu,tanh,softplus,maximum,dice,square,cross entropy'; // prettier-ignore
  for (const word of words.split(',')) expect(names.join('\n'), word).toContain(` ${word}`.trimStart());
});

describe.each(['wasm', 'cpu', 'tensorflow'] as const)(
  'a dry run like %s, and the run',
  (name: BackendName) => {
    const here = name !== 'tensorflow' || hasPeer('native-tensorflow');
    const test = here ? it : it.skip;
    let backend: Backend;
    beforeAll(async () => {
      if (here) backend = await (await loadCandidate(name)).open({ asked: true });
    });

    test.each(plans.map((plan) => [plan.name, plan] as const))('%s', async (_, plan) => {
      const { dry, real } = await bothLedgers(backend, plan);
      expect(differencesOf(dry, real)).toEqual([]);
      expect(real.peak().bytes).toBe(dry.peak().bytes);
      expect(real.length).toBeGreaterThan(50);
    });
  },
);

it('any other net on wasm', async () => {
  const backend = await (await loadCandidate('wasm')).open();
  const property = fc.asyncProperty(
    fc.integer({ min: 1000 }),
    fc.constantFrom(randomVit, randomConvNet),
    async (seed, draw) => {
      const plan = draw(seed);
      const { dry, real } = await bothLedgers(backend, plan);
      expect(differencesOf(dry, real), plan.name).toEqual([]);
    },
  );
  await fc.assert(property, { numRuns: 12 });
});
