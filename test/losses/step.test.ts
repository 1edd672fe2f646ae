// Eq. 2 in a training step: the plan is data of the step, so that another voxel needs no other graph.
import { expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { eagerStep } from '../../src/backends/eager-step';
import { sgd } from '../../src/backends/optimisers';
import { tf } from '../../src/backends/tf';
import type { StepDefinition } from '../../src/backends/training-step';
import type { IntersectionPlan } from '../../src/losses/intersection';
import { intersectionLoss, intersectionPlan } from '../../src/losses/intersection';
import { planeGrid, readPlane } from '../../src/sampling/plane';
import type { Triple } from '../../src/volume/volume';
import { volumeOf } from '../../src/volume/volume';
import { tensorOf } from './tensor-case';

it('planes that are trained on Eq. 2 agree at the voxel of each step, until all of a line does', async () => {
  const backend = await (await loadCandidate('cpu')).open();
  await tf.setBackend('cpu');
  const volume = volumeOf(
    new Float32Array(60),
    [4, 5, 3],
    [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ],
  );
  const planAt = (voxel: Triple): IntersectionPlan => {
    const at = (name: 'axial' | 'coronal' | 'sagittal') => [
      readPlane(volume, planeGrid(volume, name), voxel),
    ];
    return intersectionPlan({ axial: at('axial'), coronal: at('coronal'), sagittal: at('sagittal') });
  };
  const trained = {
    axial: tensorOf([1, 5, 4, 1], 'axial'),
    coronal: tensorOf([1, 3, 4, 1], 'coronal'),
    sagittal: tensorOf([1, 3, 5, 1], 'sagittal'),
  };
  const definition: StepDefinition<
    { trained: typeof trained; frozen: Record<string, never> },
    { plan: IntersectionPlan }
  > = {
    name: 'three pictures and Eq. 2',
    parameters: { trained, frozen: {} },
    optimiser: sgd({ learningRate: 0.25 }),
    loss: (parameters, { plan }) => intersectionLoss(parameters.trained, plan, { compare: 'logits' }),
  };
  const step = eagerStep(backend, definition);
  const lossAt = async (voxel: Triple): Promise<number> => {
    const { loss } = await step.run({ plan: planAt(voxel) });
    return loss.dataSync()[0];
  };
  const [one, other] = [await lossAt([1, 2, 1]), await lossAt([3, 0, 2])];
  expect(one).toBeGreaterThan(1);
  expect(other).toBeGreaterThan(1);
  // Both partners go half of the way: what two planes share agrees after one step, but where a third has its say.
  for (let i = 0; i < 30; i++) await lossAt([1, 2, 1]);
  expect(await lossAt([1, 2, 1])).toBeLessThan(1e-9);
  expect(await lossAt([3, 0, 2])).toBeGreaterThan(0.01);
  step.dispose();
});
