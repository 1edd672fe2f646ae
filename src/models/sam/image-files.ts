// What the commands on files share: a configuration, images one after another, and what comes of them in one array.
import { existsSync } from 'node:fs';
import type { Backend } from '../../backends/backend';
import { tf } from '../../backends/tf';
import { InputError } from '../../base/errors';
import { readJson } from '../../base/files';
import { type Long, Meter } from '../../base/progress';
import { type NpyArray, readNpy } from '../../nn/npy';

/** A configuration as JSON. @throws InputError when the file is missing or no JSON */
export function readConfig(file: string): unknown {
  if (existsSync(file)) return readJson(file);
  throw new InputError({
    what: `cannot read ${file}`,
    given: 'no such file',
    expected: "transformers' config.json",
    fix: 'check the path',
  });
}

/**
 * Images, or features in their place, from an .npy file: [batch, channels, side, side], or with channels last.
 * @throws InputError for a file that cannot be read, and for arrays of another shape
 */
export async function readImages(
  file: string,
  { side, channels }: { side: number; channels: number },
  channelsLast: boolean,
): Promise<NpyArray> {
  const images = await readNpy(file);
  const orders = [
    [channels, side, side],
    [side, side, channels],
  ];
  const [axes, other] = channelsLast ? orders.reverse() : orders;
  const own = images.shape.slice(1).join();
  if (images.shape.length === 4 && images.shape[0] > 0 && own === axes.join()) return images;
  throw new InputError({
    what: `cannot use the images in ${file}`,
    given: `an array of [${images.shape.join(', ')}]`,
    expected: `[batch, ${axes.join(', ')}]`,
    fix:
      own === other.join()
        ? `${channelsLast ? 'leave out' : 'give'} --channels-last`
        : 'resize and pad the images to the size of the model, and stack them on a first axis',
  });
}

/** The part of one image, with a batch of 1. */
export function ofImage({ shape, values }: NpyArray, image: number): tf.Tensor {
  const size = values.length / shape[0];
  return tf.tensor(values.subarray(image * size, (image + 1) * size), [1, ...shape.slice(1)]);
}

/**
 * Run a model on one image after another.
 * @param run  of image k: tensors with a batch of 1, freed here
 * @returns each of them for all images
 */
export async function imageByImage<Name extends string>(
  backend: Backend,
  batch: number,
  title: string,
  run: (image: number) => Record<Name, tf.Tensor>,
  long: Long,
): Promise<Record<Name, NpyArray>> {
  const parts: Record<string, NpyArray[]> = {};
  const meter = new Meter(title, 'images', batch, long);
  for (let k = 0; k < batch; k++) {
    const made: Record<string, tf.Tensor> = await backend.step(`image ${k}`, () => run(k));
    for (const [name, tensor] of Object.entries(made)) {
      const part = { shape: tensor.shape, values: (await tensor.data()) as Float32Array };
      (parts[name] ??= []).push(part);
      tensor.dispose();
    }
    meter.add(1);
  }
  meter.finish();
  const all = Object.entries(parts).map(([name, arrays]) => [name, stacked(arrays)]);
  return Object.fromEntries(all) as Record<Name, NpyArray>;
}

/** Arrays of one image each, on one first axis. */
function stacked(parts: readonly NpyArray[]): NpyArray {
  const [{ shape, values }] = parts;
  const all = new Float32Array(parts.length * values.length);
  parts.forEach((part, k) => all.set(part.values, k * values.length));
  return { shape: [parts.length, ...shape.slice(1)], values: all };
}
