// The slices that Figure 1 shows: a result, checked, as picture files for Typst.
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

/** The picture of a slice, and its mask as a see-through layer in a colour with a full rim. */
export function sliceLayers(
  slice: Slices['planes'][number],
  colour: [number, number, number],
): { picture: Uint8Array; mask: Uint8Array } {
  const label = PNG.sync.read(Buffer.from(slice.maskPng, 'base64'));
  const { width, height } = label;
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && label.data[4 * (y * width + x)] > 0;
  const layer = new PNG({ width, height });
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue;
      const rim = !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1));
      layer.data.set([...colour, rim ? 255 : 190], 4 * (y * width + x));
    }
  }
  return { picture: Buffer.from(slice.png, 'base64'), mask: PNG.sync.write(layer) };
}

/** A square in the world's millimetres that a slice is shown in: centre from its top left corner, and side. */
export interface View {
  centre: [number, number];
  side: number;
}

/**
 * What of each slice is shown: squares of one size for all, around the head, so that the slices share a scale.
 * @param margin  mm left free around the largest head
 */
export function viewsOf(slices: Slices, margin = 6): View[] {
  const boxes = slices.planes.map((p) => {
    const { data } = PNG.sync.read(Buffer.from(p.png, 'base64'));
    const box = { left: p.width, right: 0, top: p.height, bottom: 0 };
    for (let y = 0; y < p.height; y++) {
      for (let x = 0; x < p.width; x++) {
        // Noise around a head is darker than this.
        if (data[4 * (y * p.width + x)] < 40) continue;
        box.left = Math.min(box.left, x);
        box.right = Math.max(box.right, x + 1);
        box.top = Math.min(box.top, y);
        box.bottom = Math.max(box.bottom, y + 1);
      }
    }
    if (box.left >= box.right) return { left: 0, right: p.width, top: 0, bottom: p.height };
    return box;
  });
  const sides = slices.planes.flatMap((p, i) => [
    (boxes[i].right - boxes[i].left) * p.spacing[0],
    (boxes[i].bottom - boxes[i].top) * p.spacing[1],
  ]);
  const side = Math.max(...sides) + 2 * margin;
  return slices.planes.map((p, i) => ({
    centre: [
      ((boxes[i].left + boxes[i].right) / 2) * p.spacing[0],
      ((boxes[i].top + boxes[i].bottom) / 2) * p.spacing[1],
    ],
    side,
  }));
}
