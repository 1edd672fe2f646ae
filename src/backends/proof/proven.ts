// What the proof's table covers, by backend: the lines that a trace of kernels may hold.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { inRepo } from '../../base/paths';

/** The list that goes with the table in PROOF.md, written and compared by the same test. */
export const provenFile: string = inRepo('src', 'backends', 'proof', 'proven.json');

/** By backend: `kernel Conv3D`, `gradient Conv3D by filter`; each in a case that was found right there. */
const provenSchema = z.record(z.string(), z.array(z.string()));

/** The lines of a trace (`cpu kernel Conv3D`) that are proven. */
export function provenLines(file: string = provenFile): Set<string> {
  const lists = provenSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  return new Set(
    Object.entries(lists).flatMap(([backend, names]) => names.map((name) => `${backend} ${name}`)),
  );
}

/** The list of one backend: what ran in outcomes that were found right on it, sorted. */
export function provenOf(
  outcomes: readonly { status: string; kernels: readonly string[]; gradientKernels: readonly string[] }[],
): string[] {
  const right = outcomes.filter(({ status }) => status === 'right');
  return [
    ...new Set(
      right.flatMap(({ kernels, gradientKernels }) => [
        ...kernels.map((name) => `kernel ${name}`),
        ...gradientKernels.map((name) => `gradient ${name}`),
      ]),
    ),
  ].sort();
}
