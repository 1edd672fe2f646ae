// What the WebGPU adapter could do: features that a faster kernel needs, and the limits that kernels run into.
import { z } from 'zod';
import { adapterAbilities } from '../../backends/webgpu/abilities';

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

/** The one unit. */
export const featureNames: readonly string[] = ['adapter'];

/** Features that kernels of ours could use. */
export const wantedFeatures: readonly string[] = [
  'timestamp-query',
  'shader-f16',
  'subgroups',
  'chromium-experimental-subgroup-matrix',
];

/** Ask the adapter. */
export function featureUnit(): Promise<Features> {
  return adapterAbilities();
}
