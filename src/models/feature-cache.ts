// Features before the first adapted block, kept on disk. Below the first adapter nothing is trained, so the features of a plane
// never change: they are computed once and read at every step after.
//
// They are large: one plane has grid x grid x width numbers of 4 bytes. With ViT-H that is 21 MB, and all 635 planes of a BraTS
// volume (155 axial, 240 coronal, 240 sagittal) take 13.3 GB. So the bytes are said before anything is written.
import { existsSync, statfsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { tf } from '../backends/tf';
import { flattenTree } from '../backends/training-step';
import { InputError } from '../base/errors';
import { writeJsonAtomic } from '../base/files';
import { sha256, sha256OfValue } from '../base/hash';
import type { Long } from '../base/progress';
import { formatBytes, Meter } from '../base/progress';
import { openSafetensors, writeSafetensors } from '../nn/safetensors';
import type { PlaneName } from '../sampling/plane';
import type { ImageEncoderConfig } from './sam/config';
import { gridOf } from './sam/config';
import type { ImageEncoder } from './sam/image-encoder';
import { featuresBefore } from './sam/image-encoder';

type Before = Pick<ImageEncoder, 'embed' | 'position' | 'blocks'>;

/** All that features depend on. Other weights, another volume or another preparation have another folder. */
export interface FeaturesOf {
  readonly config: ImageEncoderConfig;
  /** They are the features before this block, counted from 0. */
  readonly block: number;
  /** Of the weights that make them: `weightsDigest`. */
  readonly weights: string;
  /** SHA-256 of the volume's data. */
  readonly volume: string;
  /** How a plane becomes an image, in words or numbers that change when it does. */
  readonly preparation: Readonly<Record<string, string | number | boolean>>;
}

/** One plane of a volume. */
export interface PlaneAt {
  readonly name: PlaneName;
  /** Which, along the axis across it. */
  readonly index: number;
}

/** What is going to be written. */
export interface CacheSize {
  folder: string;
  /** Planes that are not there yet, and the bytes of their numbers. */
  planes: number;
  bytes: number;
  /** In words: `635 planes, 13.3 GB`. */
  text: string;
}

/** Bytes of the features of so many planes, in float32. */
export const featureBytes = (config: ImageEncoderConfig, planes: number): number =>
  planes * gridOf(config) ** 2 * config.width * 4;

/** SHA-256 of the weights before a block: the numbers of every parameter by its path. */
export async function weightsDigest({ embed, position, blocks }: Before, block: number): Promise<string> {
  const used = flattenTree({ embed, ...(position && { position }), blocks: blocks.slice(0, block) });
  const digests: Record<string, string> = {};
  for (const [name, tensor] of Object.entries(used)) {
    const values = await tensor.data();
    digests[name] = sha256(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return sha256OfValue(digests);
}

/** Features of the planes of one volume. */
export class FeatureCache {
  /** Where they lie: in the given folder, one more that is named by all they depend on. */
  readonly folder: string;

  constructor(
    root: string,
    readonly of: FeaturesOf,
  ) {
    this.folder = path.join(root, sha256OfValue(of).slice(0, 24));
  }

  private fileOf = ({ name, index }: PlaneAt): string =>
    path.join(this.folder, `${name}-${String(index).padStart(4, '0')}.safetensors`);

  has(plane: PlaneAt): boolean {
    return existsSync(this.fileOf(plane));
  }

  /** What is still to be written of these planes. */
  missing(planes: readonly PlaneAt[]): CacheSize {
    const count = new Set(planes.filter((plane) => !this.has(plane)).map(this.fileOf)).size;
    const bytes = featureBytes(this.of.config, count);
    const text = `${count} planes, ${formatBytes(bytes)}`;
    return { folder: this.folder, planes: count, bytes, text };
  }

  /**
   * Compute and keep what is not there yet, plane by plane. What was written before an interruption stays and is not made again.
   * @param image   of a plane, [1, imageSize, imageSize, channels]; made in a scope that frees it
   * @param agreed  is told how much will be written before anything is; false writes nothing
   * @returns whether all planes are there now
   * @throws InputError when the disk has no room for it; Interrupted
   */
  async fill(
    parameters: Before,
    planes: readonly PlaneAt[],
    image: (plane: PlaneAt) => tf.Tensor,
    agreed: (size: CacheSize) => boolean | Promise<boolean>,
    long: Long = {},
  ): Promise<boolean> {
    const size = this.missing(planes);
    if (size.planes === 0) return true;
    if (!(await agreed(size))) return false;
    mkdirSync(this.folder, { recursive: true });
    const { bavail, bsize } = statfsSync(this.folder);
    if (bavail * bsize < size.bytes)
      throw new InputError({
        what: `cannot keep features in ${this.folder}`,
        given: `a disk with ${formatBytes(bavail * bsize)} free`,
        expected: `room for ${size.text}`,
        fix: 'give another folder, fewer planes, or train without kept features',
      });
    writeJsonAtomic(path.join(this.folder, 'features.json'), this.of);
    const meter = new Meter('keep features', 'planes', size.planes, long);
    for (const plane of planes) {
      if (this.has(plane)) continue;
      const features = tf.tidy(() => {
        const made = image(plane);
        return featuresBefore(parameters, made, this.of.config, this.of.block);
      });
      try {
        const data = (await features.data()) as Float32Array;
        await writeSafetensors(this.fileOf(plane), [{ name: 'features', shape: features.shape, data }]);
      } finally {
        features.dispose();
      }
      meter.add(1, `${plane.name} ${plane.index}`);
    }
    meter.finish();
    return true;
  }

  /**
   * The features of a plane.
   * @returns [1, grid, grid, width], the caller's to free
   * @throws InputError for a plane that is not there, and a file that is damaged
   */
  async read(plane: PlaneAt): Promise<tf.Tensor> {
    const file = await openSafetensors(this.fileOf(plane));
    try {
      const [grid, { width }] = [gridOf(this.of.config), this.of.config];
      const shape = file.shapeOf('features');
      if (shape.join() !== [1, grid, grid, width].join())
        throw new InputError({
          what: `cannot use the features in ${file.file}`,
          given: `[${shape.join(', ')}]`,
          expected: `[1, ${grid}, ${grid}, ${width}]`,
          fix: 'remove the folder and fill it again',
        });
      return tf.tensor(await file.read('features'), [...shape]);
    } finally {
      await file.close();
    }
  }
}
