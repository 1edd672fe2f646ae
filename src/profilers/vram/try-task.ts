// A process that tries one training step under a limit of memory: `try-task.js SETTING`, a JSON text (try.ts starts it).
import { tf } from '../../backends/tf';
import { nodeBackend } from '../../backends/capture/binding';
import { eagerStep } from '../../backends/eager-step';
import { flattenTree } from '../../backends/training-step';
import { doLimited } from './limited-work';
import type { Setting } from './setting';
import { vramStep } from './step';
import { drawnValues } from './values';

void doLimited(async ({ backend, stage }) => {
  const blank = vramStep(JSON.parse(process.argv[2]) as Setting);
  stage('weights');
  // To TensorFlow at once: an upload that does not fit is then one of weights, and no copy stays on the host.
  const { parameters, inputs } = drawnValues(blank, 1, (tensor) => nodeBackend().getInputTensorIds([tensor]));
  const running = eagerStep(backend, { ...blank.step, parameters } as never);
  tf.dispose(flattenTree(parameters));
  stage('step');
  const began = performance.now();
  const outputs = await running.run(inputs as never);
  const [loss] = await outputs.loss.data();
  return { loss, seconds: (performance.now() - began) / 1000 };
});
