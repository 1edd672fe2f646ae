// Three slices through one voxel as a result holds them, checked: what Figure 1 and the notebook's picture show.
import { PNG } from 'pngjs';
import { z } from 'zod';
import { InputError } from '../base/errors';
import type { Result } from '../results/result';

const plane = z.strictObject({
  name: z.enum(['axial', 'coronal', 'sagittal']),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  /** Grey PNG, base64. */
  png: z.base64(),
  /** PNG of the reference label, base64: black is background. */
  maskPng: z.base64(),
  /** Column and row of the voxel in which the planes meet. */
  crosshair: z.tuple([z.number(), z.number()]),
  /** Millimetres from pixel to pixel along columns and rows. */
  spacing: z.tuple([z.number().positive(), z.number().positive()]),
  letters: z.strictObject({ left: z.string(), right: z.string(), top: z.string(), bottom: z.string() }),
});

const schema = z.strictObject({
  planes: z.array(plane).length(3),
  source: z.strictObject({ title: z.string(), licence: z.string(), synthetic: z.boolean() }),
});

/** Three slices with their reference masks. */
export type Slices = z.infer<typeof schema>;

/** The three slices of a result. @throws InputError when they are not as Figure 1 needs them */
export function slicesOf(result: Result): Slices {
  const parsed = schema.safeParse(result.figure?.data);
  const issue = parsed.error?.issues[0];
  if (!parsed.success) {
    throw new InputError({
      what: `cannot draw the slices of ${result.id}`,
      given: issue ? `${issue.path.join('.') || 'the data'}: ${issue.message}` : 'no figure data',
      expected: 'three planes, each with picture, mask, cross-hair, spacing and letters',
      fix: 'run the study that makes them again',
    });
  }
  for (const p of parsed.data.planes) {
    for (const [what, data] of [
      ['png', p.png],
      ['maskPng', p.maskPng],
    ]) {
      const { width, height } = PNG.sync.read(Buffer.from(data, 'base64'));
      if (width !== p.width || height !== p.height) {
        throw new InputError({
          what: `cannot draw the slices of ${result.id}`,
          given: `${p.name} ${what} of ${width} x ${height} pixels`,
          expected: `${p.width} x ${p.height} pixels`,
          fix: 'run the study that makes them again',
        });
      }
    }
  }
  return parsed.data;
}
