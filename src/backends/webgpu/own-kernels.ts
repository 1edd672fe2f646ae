// The kernels that TensorFlow.js has no name for: those of fused/.
import type { TensorInfo } from '@tensorflow/tfjs';
import { tf } from '../tf';
import { attention, attentionGradient } from './attention';
import { gelu, geluGradient } from './gelu';
import { layerNorm, layerNormGainGradient, layerNormGradient } from './layer-norm';
import type { GuardedBackend } from './tfjs-backend';

/** Kernels by name; inputs and attributes are those that fused/kernels.ts says. */
type OwnKernel = (inputs: never, backend: GuardedBackend, attributes: never) => TensorInfo[];

const own: Record<string, OwnKernel> = {
  CocAttention: attention,
  CocAttentionGrad: attentionGradient,
  CocLayerNorm: layerNorm,
  CocLayerNormGrad: layerNormGradient,
  CocLayerNormGainGrad: layerNormGainGradient,
  CocGelu: gelu,
  CocGeluGrad: geluGradient,
};

/** Register them, once. */
export function registerOwnKernels(): void {
  for (const [kernelName, kernel] of Object.entries(own)) {
    if (tf.getKernel(kernelName, 'webgpu')) continue;
    tf.registerKernel({
      kernelName,
      backendName: 'webgpu',
      kernelFunc: ({ inputs, backend, attrs }) =>
        kernel(inputs as never, backend as GuardedBackend, attrs as never),
    });
  }
}
