// A small foundation model made in the open: the encoder of `tiny-64` learns to fill in masked pictures of heads, cords and a body,
// none of them from the sets on which anything is scored. Its weights are a file of this repository; this is the recipe.
import { Findings } from '../findings';
import type { RunLong, StudyDefinition, StudyOutcome } from '../study';
import { sweepStudy } from '../study';
import { greys, labelMaps } from './pretraining-data';
import type { Pretrained, PretrainingSpec } from './pretraining-run';

export const maskedPretraining: StudyDefinition<PretrainingSpec, PretrainingSpec, Pretrained> = sweepStudy({
  id: 'masked-pretraining',
  title: 'A small encoder learns from masked pictures',
  module: 'experiments/cross-plane/pretraining',
  name: 'maskedPretraining',
  needs: [...greys, ...labelMaps],
  backend: true,
  specs: {
    tiny: { steps: 4, pictures: 2, maps: 1, learningRate: 1e-3, seed: 1 },
    quick: { steps: 40, pictures: 16, maps: 2, learningRate: 1e-3, seed: 1 },
    full: { steps: 3500, pictures: 32, maps: 20, learningRate: 1e-3, seed: 1 },
  },
  cost: { quick: { seconds: 30, memoryGiB: 1.5 }, full: { seconds: 1900, memoryGiB: 2 } },
  sweep: { specs: (spec) => [spec], runOne, combine },
});

async function runOne(spec: PretrainingSpec, long: RunLong): Promise<Pretrained> {
  const { pretrain } = await import('./pretraining-run.js');
  return pretrain(spec, long);
}

function combine({ seed }: PretrainingSpec, [part]: Pretrained[]): StudyOutcome {
  const found = new Findings('masked-pretraining', seed);
  const { curve, pictures, hidden, file } = part;
  const error = (id: string, title: string, value: number): void =>
    found.add({ id, title, kind: 'measured', unit: '1', value, uncertainty: null, source: `mean squared error of hidden patches, ${hidden} of all, over pictures of mean 0 and deviation 1` }); // prettier-ignore
  if (curve.length > 0) {
    error('error.first', 'Error of what is filled in, first steps', curve[0].value);
    error('error.last', 'Error of what is filled in, last steps', curve.at(-1)!.value);
    found.derived('error.gain', 'Error at the end over that at the beginning', '1', curve.at(-1)!.value / curve[0].value, 'means over windows of steps'); // prettier-ignore
  }
  found.derived('pictures', 'Masked pictures that were learnt from', 'pictures', pictures, 'steps times pictures in one'); // prettier-ignore
  found.table('curve', 'Filling in masked pictures', 'measured', {
    columns: [
      { key: 'step', title: 'Step', digits: 0 },
      { key: 'value', title: 'Mean squared error', digits: 4 },
    ],
    rows: curve,
  });
  found.figure('curve-figure', 'Filling in masked pictures', 'training-curves', {
    panels: [{ name: 'error', title: 'Mean squared error of what was hidden', scale: 'linear' }],
    runs: [{ title: 'masked pictures', curves: { error: curve.map(({ step, value }) => [step, value]) } }],
  });
  return { findings: found.all, inputs: part.inputs, notes: [...part.notes, `weights: ${file}`], seed };
}
