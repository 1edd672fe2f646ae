// The models on tensors, for whoever has a backend: TensorFlow.js is loaded when they are asked for, not before.
import type * as Lora from '../nn/lora';
import type * as LoraFile from '../nn/lora-file';
import type * as Parameters from '../nn/parameters';
import type * as Safetensors from '../nn/safetensors';
import type * as TorchZip from '../nn/torch-zip';
import type * as Weights from '../nn/weights';
import type * as FeatureCache from './feature-cache';
import type * as LoadTriSiamese from './load-tri-siamese';
import type * as ImageEncoder from './sam/image-encoder';
import type * as Load from './sam/load';
import type * as Processing from './sam/processing';
import type * as Sam from './sam/sam';
import type * as TransformersConfig from './sam/transformers-config';
import type * as Sam3Names from './sam3/names';
import type * as Sam3Config from './sam3/transformers-config';
import type * as Sam3Trunk from './sam3/trunk';
import type * as SamHead from './sam-head';
import type * as TriSiamese from './tri-siamese';

export type SamModels = typeof Sam &
  typeof ImageEncoder &
  typeof Load &
  typeof TransformersConfig &
  typeof Processing &
  typeof Sam3Trunk &
  typeof Sam3Names &
  typeof Sam3Config &
  typeof TriSiamese &
  typeof SamHead &
  typeof LoadTriSiamese &
  typeof FeatureCache &
  typeof Lora &
  typeof LoraFile &
  typeof Parameters &
  typeof Weights &
  typeof Safetensors &
  typeof TorchZip;

/**
 * SAM and its parts, SAM 3's trunk, the study's network of three planes, low-rank adapters, and weights: drawn, from
 * safetensors or from PyTorch's checkpoints.
 */
export async function samModels(): Promise<SamModels> {
  return {
    ...(await import('./sam/sam.js')),
    ...(await import('./sam/image-encoder.js')),
    ...(await import('./sam/load.js')),
    ...(await import('./sam/transformers-config.js')),
    ...(await import('./sam/processing.js')),
    ...(await import('./sam3/trunk.js')),
    ...(await import('./sam3/names.js')),
    ...(await import('./sam3/transformers-config.js')),
    ...(await import('./tri-siamese.js')),
    ...(await import('./sam-head.js')),
    ...(await import('./load-tri-siamese.js')),
    ...(await import('./feature-cache.js')),
    ...(await import('../nn/lora.js')),
    ...(await import('../nn/lora-file.js')),
    ...(await import('../nn/parameters.js')),
    ...(await import('../nn/weights.js')),
    ...(await import('../nn/safetensors.js')),
    ...(await import('../nn/torch-zip.js')),
  };
}
