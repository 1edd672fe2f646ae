// What the WebGPU adapter could do: features that a faster kernel needs, and the limits that kernels run into; and what our
// product reaches by its tiling, in float32 and in half precision.
import { z } from 'zod';
import type { Backend } from '../../backends/backend';
import { adapterAbilities } from '../../backends/webgpu/abilities';
import { featureProducts } from '../../backends/webgpu/feature-products';
import type { WebgpuBackend } from '../../backends/webgpu/open';

export const featuresSchema = z.strictObject({
  features: z.array(z.string()),
  limits: z.record(z.string(), z.number()),
  subgroupSizes: z.tuple([z.number(), z.number()]).nullable(),
  subgroupMatrices: z.array(
    z.strictObject({
      componentType: z.string(),
      resultComponentType: z.string(),
      M: z.number(),
      N: z.number(),
      K: z.number(),
    }),
  ),
});
export type Features = z.infer<typeof featuresSchema>;

export const tiledSchema = z.strictObject({
  /** Products of this size cubed. */
  size: z.number().int(),
  products: z.array(
    z.strictObject({
      tiling: z.strictObject({
        tileM: z.number(),
        tileN: z.number(),
        tileK: z.number(),
        perM: z.number(),
        perN: z.number(),
      }),
      numbers: z.enum(['float32', 'float16']),
      error: z.number().nullable(),
      milliseconds: z.number().nullable(),
      why: z.string().optional(),
    }),
  ),
});
export type Tiled = z.infer<typeof tiledSchema>;

/** Its units. */
export const featureNames = ['adapter', 'tilings'] as const;

/** Features that kernels of ours could use. */
export const wantedFeatures: readonly string[] = [
  'timestamp-query',
  'shader-f16',
  'subgroups',
  'chromium-experimental-subgroup-matrix',
];

/** Ask the adapter, or time the tilings on it. */
export function featuresRunner({
  rehearse,
}: {
  rehearse: boolean;
}): (backend: Backend, id: string) => Promise<Features | Tiled> {
  return async (backend, id) => {
    if (id === 'adapter') return adapterAbilities();
    const size = rehearse ? 64 : 2048;
    return { size, products: await featureProducts(backend as WebgpuBackend, size) };
  };
}
