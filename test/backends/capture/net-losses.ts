// The nets of the bench, small, and the losses of their steps.
import { tf } from '../../../src/backends/tf';
import type { TrainingStep } from '../../../src/backends/training-step';
import { loraVit, unet3d } from '../../bench/nets';

export const plans = {
  'LoRA-ViT': loraVit({ image: 32, patch: 8, width: 32, depth: 2, heads: 2, rank: 2, views: 2 }),
  'U-Net': unet3d({ size: 8, base: 4, levels: 2, classes: 3 }),
};
export type Net = keyof typeof plans;
export const nets = Object.keys(plans) as Net[];

/** The losses of so many steps on the same inputs. */
export async function lossesOf(
  step: TrainingStep,
  inputs: Parameters<TrainingStep['run']>[0],
  steps: number,
): Promise<number[]> {
  const found: number[] = [];
  for (let k = 0; k < steps; k++) {
    const outputs = await step.run(inputs);
    found.push((await outputs.loss.data())[0]);
    tf.dispose(outputs);
  }
  return found;
}
