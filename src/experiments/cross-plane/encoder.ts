// The weights that the encoder learnt from masked pictures. Loads TensorFlow.js.
import { fetchOne } from '../../datasets/fetch';
import type { ImageEncoderConfig } from '../../models/sam/config';
import type { ImageEncoder } from '../../models/sam/image-encoder';
import { imageEncoderSpec } from '../../models/sam/image-encoder';
import { openSafetensors } from '../../nn/safetensors';
import { loadWeights } from '../../nn/weights';
import { encoderFile } from './encoder-file';

/** @throws InputError where the file cannot be had, or is of another encoder */
export async function loadedEncoder(config: ImageEncoderConfig): Promise<ImageEncoder> {
  const { path } = await fetchOne(encoderFile.dataset, encoderFile.path);
  const file = await openSafetensors(path);
  try {
    return await loadWeights(imageEncoderSpec(config), file);
  } finally {
    await file.close();
  }
}
