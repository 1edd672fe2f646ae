// The nets of the bench: their sizes by hand, and their first losses on the backends that npm alone brings.
import { describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { eagerStep } from '../../src/backends/eager-step';
import { countParameters } from '../../src/nn/parameters';
import { loraVit, nets, open, triSiamese, unet3d } from '../bench/nets';
import type { Plan } from '../bench/nets';
import { describeWith } from '../setup/peers';
import { withoutLeak } from '../setup/leaks';

const tiny = [
  loraVit({ image: 16, patch: 4, width: 12, depth: 2, heads: 3, rank: 2, views: 2 }),
  triSiamese({
    image: 20,
    patch: 4,
    width: 12,
    depth: 2,
    heads: 3,
    window: 3,
    globalBlocks: [1],
    neck: 16,
    rank: 2,
  }),
  unet3d({ size: 8, base: 4, levels: 3, classes: 3 }),
];

async function losses(name: 'cpu' | 'wasm' | 'tensorflow', plan: Plan, steps: number): Promise<number[]> {
  const backend = await (await loadCandidate(name)).open();
  const found: number[] = [];
  await withoutLeak(plan.name, async () => {
    const workload = open(plan);
    const step = eagerStep(backend, workload.definition);
    for (let k = 0; k < steps; k++) {
      const { loss } = await step.run(workload.inputs);
      found.push((await loss.data())[0]);
      loss.dispose();
    }
    step.dispose();
    workload.dispose();
  });
  return found;
}
const close = (a: number[], b: number[]): void => a.forEach((x, k) => expect(x / b[k]).toBeCloseTo(1, 5));

describe('the nets of the bench', () => {
  it('have the parameters that were counted by hand', () => {
    const counts = nets.map(({ trained, frozen }) => [countParameters(trained), countParameters(frozen)]);
    const [small, large, threeSmall, threeLarge, cube] = [
      [84_288, 2_718_528],
      [188_736, 21_465_984],
      [240_736, 2_782_980],
      [954_560, 21_723_908],
      [339_875, 0],
    ];
    expect(counts).toEqual([small, small, large, large, threeSmall, threeLarge, cube, cube, cube]);
  });

  it.each(tiny)('$name gives the same losses on cpu and wasm, and they fall', async (plan) => {
    const onCpu = await losses('cpu', plan, 4);
    close(await losses('wasm', plan, 4), onCpu);
    expect(onCpu[3]).toBeLessThan(onCpu[0]);
  });
});

describeWith('native-tensorflow', 'the nets on native TensorFlow', () => {
  it.each(tiny)('$name gives the same losses on tensorflow', async (plan) => {
    close(await losses('tensorflow', plan, 4), await losses('cpu', plan, 4));
  });
});
