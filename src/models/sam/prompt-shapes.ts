// Whether prompts fit each other and the images, by their shapes alone: known before any weight is.
import { InputError } from '../../base/errors';
import type { Prompts } from './prompt-encoder';

type Shape = readonly number[];

/**
 * Check the shapes of prompts.
 * @param batch  how many images
 * @param grid   tokens along each side of an image
 * @throws InputError unless all fit each other and the images
 */
export function checkPromptShapes(
  shapes: Readonly<Partial<Record<keyof Prompts, Shape>>>,
  batch: number,
  grid: number,
): void {
  const { points, labels, boxes, masks } = shapes;
  const given = Object.entries(shapes)
    .map(([name, shape]) => `${name} [${shape.join(', ')}]`)
    .join(', ');
  const check = (right: boolean, expected: string): void => {
    if (right) return;
    throw new InputError({
      what: 'cannot encode prompts',
      given,
      expected,
      fix: 'give every image of the batch as many prompts, and each of those as many points',
    });
  };
  check((points === undefined) === (labels === undefined), 'points and labels together');
  const count = (points ?? boxes)?.[1];
  const first = `[${batch}, ${count ?? 'prompts'}`;
  const has = (shape: Shape | undefined, ...after: (number | undefined)[]): boolean =>
    shape === undefined ||
    (shape.length === 2 + after.length &&
      shape[0] === batch &&
      shape[1] === (count ?? shape[1]) &&
      after.every((length, k) => length === undefined || length === shape[2 + k]));
  check(has(points, undefined, 2), `points ${first}, points, 2]`);
  check(has(labels, points?.[2]), `labels ${first}, ${points?.[2] ?? 'points'}]`);
  check(has(boxes, 4), `boxes ${first}, 4]`);
  const shared = masks?.length === 4 && masks[1] === 1;
  const side = 4 * grid;
  const ofSide = shared ? masks.join() === [batch, 1, side, side].join() : has(masks, side, side);
  check(ofSide, `masks ${first} or 1, ${side}, ${side}]`);
}

/** The shapes of what is there. */
export function shapesOf(
  prompts: Readonly<Partial<Record<keyof Prompts, { readonly shape: Shape }>>>,
): Partial<Record<keyof Prompts, Shape>> {
  const there = Object.entries(prompts).filter(([, prompt]) => prompt !== undefined);
  return Object.fromEntries(there.map(([name, { shape }]) => [name, shape]));
}
