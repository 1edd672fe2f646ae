// Records a big step by shapes alone; run by capture-large.mjs.
import { loadCandidate } from '../../../src/backends/choose';
import { recordStep } from '../../../src/backends/capture/capture';
import { flattenTree } from '../../../src/backends/training-step';
import { loraVit, open } from '../nets';

const mb = (): string => `${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB resident`;

async function main(): Promise<void> {
  const [width, depth, heads, image] = [1280, 32, 16, 1024].map((usual, k) =>
    Number(process.argv[2 + k] ?? usual),
  );
  await (await loadCandidate('tensorflow')).open();
  console.log(`TensorFlow loaded: ${mb()}`);
  const plan = loraVit({ image, patch: 16, width, depth, heads, rank: 4, views: 1 });
  // Values do not matter: recording never looks at them, and puts none on the device.
  const { definition, inputs } = open(plan, 'blank');
  const parameters = Object.values(flattenTree(definition.parameters.frozen));
  const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((n, size) => n * size, 1), 0);
  console.log(`${plan.name}: ${(count / 1e6).toFixed(0)} million frozen numbers, zeros: ${mb()}`);
  const { step, recordedBy, recordMs } = await recordStep(definition, inputs);
  const bytes = step.nodes.reduce(
    (sum, { attributes: { value } }) => sum + (value?.kind === 'tensor' ? value.bytes.length : 0),
    0,
  );
  console.log(
    `recorded by ${recordedBy}, twice, in ${(recordMs / 1000).toFixed(2)} s: ${step.nodes.length} nodes, ${(bytes / 1e6).toFixed(1)} MB of constants: ${mb()}`,
  );
}
void main();
