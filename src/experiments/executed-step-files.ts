// What every stack is given in the executed step: weights, adapters, planes and labels, drawn from a seed and written once as
// safetensors, so that all of them compute with the same numbers.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { sha256OfValue } from '../base/hash';
import { cacheDir } from '../base/paths';
import type { Long } from '../base/progress';
import { Random } from '../base/random';
import { triSiameseNames } from '../models/load-tri-siamese';
import type { ModelName, SamRow } from '../models/registry';
import { models } from '../models/registry';
import { gridOf } from '../models/sam/config';
import type { SamConfig } from '../models/sam/config';
import { samHead } from '../models/sam-head';
import type { TriSiamese } from '../models/tri-siamese';
import { triSiameseSpec } from '../models/tri-siamese';
import type { LoraConfig } from '../nn/lora';
import type { Parameter } from '../nn/parameters';
import { flattenParameters } from '../nn/parameters';
import type { TensorToWrite } from '../nn/safetensors';
import { writeSafetensors } from '../nn/safetensors';
import { toTheirs } from '../nn/weights';
import { planeNames } from '../sampling/plane';

/** A network of random weights, by what it takes to make it again. */
export interface Drawn {
  model: Extract<ModelName, 'sam-vit-h' | 'sam-vit-b' | 'tiny-64' | 'tiny-128'>;
  /** Pixels along each side of the planes. */
  size: number;
  rank: number;
  seed: number;
}

/** The study's network of it: adapters on every block, all of the decoder trained. */
export function networkOf({ model, size, rank }: Drawn): TriSiamese & { sam: SamConfig; lora: LoraConfig } {
  const { config } = models[model] as SamRow;
  const sam = {
    ...config,
    encoder: { ...config.encoder, imageSize: size },
    prompts: { ...config.prompts, imageSize: size },
  };
  const lora = { rank, alpha: rank, first: 0 };
  return { sam, encoder: sam.encoder, lora, head: samHead(sam), input: 'images' };
}

/** Samples along each side of a mask. */
export const sideOf = ({ encoder }: TriSiamese): number => 4 * gridOf(encoder);

/** Deviation around a constant start, so that nothing is zero or one that would not be so after training. */
const noise = 0.02;

/** Values of a parameter: as spread as those that training starts with, and never all equal. */
function valuesOf({ size, start }: Parameter, random: Random): Float32Array {
  const [centre, deviation] =
    start.kind === 'constant'
      ? [start.value, noise]
      : start.kind === 'normal'
        ? [0, start.deviation]
        : [(start.low + start.high) / 2, (start.high - start.low) / Math.sqrt(12)];
  return uniform(size, random, centre, deviation);
}

function uniform(size: number, random: Random, centre: number, deviation: number): Float32Array {
  const half = Math.sqrt(3) * deviation;
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = centre + half * (2 * random.uniform() - 1);
  return values;
}

/**
 * Make sure that the files are there: `sam.safetensors` with the names of the original checkpoints, `lora.safetensors` and
 * `inputs.safetensors` with ours.
 * @returns their folder
 * @throws Interrupted; the system's error for the disk. Nothing is half-written
 */
export async function drawnFiles(drawn: Drawn, long: Long = {}): Promise<string> {
  const network = networkOf(drawn);
  const folder = cacheDir('executed-step', sha256OfValue({ ...drawn, version: 1 }).slice(0, 16));
  const random = new Random(drawn.seed);
  const spec = triSiameseSpec(network);
  const write = async (name: string, tensors: () => TensorToWrite[]): Promise<void> => {
    const file = path.join(folder, `${name}.safetensors`);
    if (!existsSync(file)) await writeSafetensors(file, tensors(), { seed: String(drawn.seed) }, long);
  };
  await write('sam', () => {
    const parameters = flattenParameters(spec);
    return Object.entries(triSiameseNames(network, 'original')).map(([own, theirs]) => ({
      name: theirs.name,
      shape: theirs.shape,
      data: () => {
        const values = { [own]: valuesOf(parameters[own], random.fork(own)) };
        return Promise.resolve(toTheirs({ [own]: parameters[own] }, values, { [own]: theirs })[0].data);
      },
    }));
  });
  const plain = (name: string, shape: readonly number[], data: Float32Array): TensorToWrite => ({
    name,
    shape,
    data,
  });
  await write('lora', () =>
    Object.entries(flattenParameters(spec.trained.adapters)).map(([own, parameter]) =>
      plain(own, parameter.shape, valuesOf(parameter, random.fork(`lora/${own}`))),
    ),
  );
  await write('inputs', () => {
    const side = sideOf(network);
    const { channels } = network.encoder;
    return planeNames.flatMap((name, k) => {
      const pixels = uniform(drawn.size ** 2 * channels, random.fork(`plane/${name}`), 0, 1);
      return [
        plain(`planes/${name}`, [1, drawn.size, drawn.size, channels], pixels),
        plain(`labels/${name}`, [1, side, side], disc(side, (k + 2) / 10)),
      ];
    });
  });
  return folder;
}

/** A label: 1 inside a disc in the middle. @param radius  as a share of the side */
function disc(side: number, radius: number): Float32Array {
  const off = (i: number): number => (i + 0.5) / side - 0.5;
  return Float32Array.from({ length: side * side }, (_, i) =>
    Number(Math.hypot(off(i % side), off(Math.floor(i / side))) < radius),
  );
}
