// What a training shows of itself: numbers of every step, and what is measured now and then.
import { z } from 'zod';

/** One point: numbers by name. `null` where a number is not finite. */
const point = z.strictObject({ step: z.number(), values: z.record(z.string(), z.number().nullable()) });
export const curvesSchema = z.strictObject({
  /** After every step: `loss` and whatever else the step gives back. */
  steps: z.array(point),
  /** Measured with the parameters after so many steps: Dice, the ratio of gradients. */
  watched: z.array(point),
});

/** Steps are counted from 1: the point of step 1 is of the parameters before it, or measured after it. */
export type Curves = z.infer<typeof curvesSchema>;
export type CurvePoint = z.infer<typeof point>;

/** Numbers as JSON has them. */
export const finite = (values: Readonly<Record<string, number>>): CurvePoint['values'] =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Number.isFinite(value) ? value : null]),
  );

/**
 * Means over windows of steps, so that a curve can be read.
 * @param width  steps in a window; the last may have fewer
 * @returns one point for each window, at its last step
 */
export function smoothed(
  points: readonly CurvePoint[],
  name: string,
  width: number,
): [step: number, value: number][] {
  const means: [number, number][] = [];
  for (let from = 0; from < points.length; from += width) {
    const window = points.slice(from, from + width);
    const values = window.flatMap(({ values: own }) => own[name] ?? []);
    if (values.length > 0)
      means.push([window.at(-1)!.step, values.reduce((sum, value) => sum + value, 0) / values.length]);
  }
  return means;
}
