// A process that tries one training step under a limit of memory: `try-task.js SETTING`, a JSON text (try.ts starts it).
import { tf } from '../../backends/tf';
import { nodeBackend } from '../../backends/capture/binding';
import { eagerStep } from '../../backends/eager-step';
import type { Blank, BlankTree } from '../../backends/meta/dry-run';
import { flattenTree } from '../../backends/training-step';
import { mapLeaves } from '../../backends/tree';
import { Random } from '../../base/random';
import type { Parameter, ParameterTree } from '../../nn/parameters';
import { mapParameters } from '../../nn/parameters';
import { doLimited } from './limited-work';
import type { Setting } from './setting';
import { vramStep } from './step';

/** So many numbers are drawn, and repeated where a tensor has more: memory does not depend on them. */
const drawnNumbers = 2 ** 16;

/** Numbers of a deviation around a centre, from a table that is drawn once. */
function numbersFrom(random: Random): (size: number, centre: number, deviation: number) => Float32Array {
  const table = Float32Array.from({ length: drawnNumbers }, () => random.normal());
  return (size, centre, deviation) => {
    const values = new Float32Array(size);
    for (let i = 0; i < size; i++) values[i] = centre + deviation * table[i % drawnNumbers];
    return values;
  };
}

const isBlank = (tree: BlankTree): tree is Blank => Array.isArray((tree as Blank).shape);

void doLimited(async ({ backend, stage }) => {
  const { step, inputs } = vramStep(JSON.parse(process.argv[2]) as Setting);
  stage('weights');
  const numbers = numbersFrom(new Random(1));
  /** To TensorFlow at once: an upload that does not fit is then one of weights, and no copy stays on the host. */
  const uploaded = (tensor: tf.Tensor): tf.Tensor => {
    nodeBackend().getInputTensorIds([tensor]);
    return tensor;
  };
  const valuesOf = ({ size, start }: Parameter): Float32Array =>
    start.kind === 'normal'
      ? numbers(size, 0, start.deviation)
      : numbers(size, start.kind === 'constant' ? start.value : 0, 0.02);
  const parameters = mapParameters(step.parameters as ParameterTree, (parameter) =>
    tf.keep(uploaded(tf.tensor(valuesOf(parameter), [...parameter.shape]))),
  );
  const given = mapLeaves<Blank, tf.Tensor>(inputs, isBlank, ({ shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    // Of labels and of lines 0 and 1 will do, as of pictures.
    return uploaded(tf.tensor(numbers(size, 0, 1).map((x) => Number(x > 0)), [...shape])); // prettier-ignore
  });
  const running = eagerStep(backend, { ...step, parameters } as never);
  tf.dispose(flattenTree(parameters));
  stage('step');
  const began = performance.now();
  const outputs = await running.run(given);
  const [loss] = await outputs.loss.data();
  return { loss, seconds: (performance.now() - began) / 1000 };
});
