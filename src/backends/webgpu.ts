// TensorFlow.js on any card through WebGPU: Dawn (npm `webgpu`) under `@tensorflow/tfjs-backend-webgpu`.
import type { Candidate, OpenOptions } from './backend';
import type { WebgpuBackend } from './webgpu/open';

export const candidate = {
  name: 'webgpu',
  async open(options?: OpenOptions): Promise<WebgpuBackend> {
    const { openWebgpu } = await import('./webgpu/open.js');
    return openWebgpu(options);
  },
} as const satisfies Candidate;
