// Linked planes: three slices through one voxel and the lines in which they meet, as JSON. The sampler gives it, the
// builder `linked-planes` and the viewer draw it; neither ever sees a volume.
//
// Pictures are 8-bit PNG; along the shared lines the values are exact, twice: once from each plane. What a pixel is in
// the volume follows from `first`, `perColumn` and `perRow`, where it is in the patient from `affine`.
import { z } from 'zod';

const planeName = z.enum(['axial', 'coronal', 'sagittal']);
/** The patient's right, left, anterior, posterior, superior (head) and inferior (feet). */
const letter = z.enum(['R', 'L', 'A', 'P', 'S', 'I']);
const triple = z.tuple([z.number(), z.number(), z.number()]);
const wholeTriple = z.tuple([z.number().int(), z.number().int(), z.number().int()]);
const affineRow = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const key = z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'keys are lower-case words joined by hyphens');

const plane = z.strictObject({
  name: planeName,
  /** Pixels across and down. */
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  /** Millimetres from pixel to pixel along columns and rows. */
  spacing: z.tuple([z.number().positive(), z.number().positive()]),
  /** The patient's directions at the four edges. */
  edges: z.strictObject({ left: letter, right: letter, top: letter, bottom: letter }),
  /** The voxel of the pixel in the top left corner, and the steps in the volume to the next column and row. */
  first: wholeTriple,
  perColumn: wholeTriple,
  perRow: wholeTriple,
  /** Column and row of the shared voxel. */
  crosshair: z.tuple([z.number().int(), z.number().int()]),
  /** Grey PNG in base64: 0 is `window.black` or less, 255 is `window.white` or more. */
  png: z.base64(),
  /** Grey PNG in base64 of the same size whose greys are label values; 0 is background. */
  maskPng: z.base64().optional(),
  /** By the key of a signal of kind `prediction`: grey PNG in base64, 0 is 0 and 255 is 1. */
  predictions: z.record(key, z.base64()).optional(),
});

const place = z.strictObject({
  /** Where sample 0 lies in this plane's picture. */
  column: z.number().int(),
  row: z.number().int(),
  /** The step to the next sample. */
  dColumn: z.number().int(),
  dRow: z.number().int(),
});

/** One value a sample; null where the image holds no finite number. */
const samples = z.array(z.number().nullable());
const pair = z.tuple([samples, samples]);

const line = z.strictObject({
  /** The planes that meet in it. Everything that comes in pairs below is in this order. */
  planes: z.tuple([planeName, planeName]),
  /** The patient's direction towards which the samples run. */
  towards: letter,
  /** Voxels along it, and millimetres from one to the next. */
  count: z.number().int().positive(),
  spacing: z.number().positive(),
  /** Sample i lies at (column + i dColumn, row + i dRow). */
  places: z.tuple([place, place]),
  /** By the key of each signal: the values along the line as each of the two planes holds them. */
  profiles: z.record(key, pair),
  /** Label values along the line in both planes. */
  labels: pair.optional(),
});

const signal = z.strictObject({
  key,
  /** Where it stands in a list, e.g. `as stored`, `stretched to 1024, bilinear`. */
  title: z.string().min(1),
  /** `image`: drawn against the grey window; `prediction`: between 0 and 1. */
  kind: z.enum(['image', 'prediction']),
});

export const linkedPlanesSchema = z.strictObject({
  format: z.literal('linked-planes 1'),
  /** Voxels along the axes of the volume. */
  dims: z.tuple([z.number().int().positive(), z.number().int().positive(), z.number().int().positive()]),
  /** Voxel (i, j, k, 1) to world millimetres (RAS+), in rows. */
  affine: z.tuple([affineRow, affineRow, affineRow, affineRow]),
  /** The shared voxel, and its place in the world in mm (RAS+). */
  voxel: wholeTriple,
  world: triple,
  /** The values that are drawn black and white, and what they are. */
  window: z.strictObject({ black: z.number(), white: z.number(), title: z.string(), unit: z.string() }),
  /** Names of the label values in the masks. */
  labels: z.array(z.strictObject({ value: z.number().int().min(1).max(255), name: z.string() })),
  planes: z.tuple([plane, plane, plane]),
  lines: z.tuple([line, line, line]),
  /** What is known along the lines; the first one is the image as stored. */
  signals: z.array(signal).min(1),
  source: z.strictObject({ title: z.string(), licence: z.string(), synthetic: z.boolean() }),
});

export type LinkedPlanes = z.infer<typeof linkedPlanesSchema>;
export type LinkedPlane = LinkedPlanes['planes'][number];
export type LinkedLine = LinkedPlanes['lines'][number];
