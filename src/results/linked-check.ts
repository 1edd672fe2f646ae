// Are linked planes what they say? Their form, the sizes of their pictures, and that two planes mean the same voxels.
import { PNG } from 'pngjs';
import { InputError } from '../base/errors';
import { pixelOfSample, voxelAt } from './linked-geometry';
import type { LinkedLine, LinkedPlane, LinkedPlanes } from './linked-planes';
import { linkedPlanesSchema } from './linked-planes';

/**
 * Check linked planes: their form, the sizes of their pictures, and that both planes of a line mean the same voxels.
 * @param where  what is being read, for the message
 * @throws InputError that names the field
 */
export function checkLinkedPlanes(value: unknown, where: string): LinkedPlanes {
  const wrong = (given: string, expected: string): InputError =>
    new InputError({
      what: `cannot use the linked planes of ${where}`,
      given,
      expected,
      fix: 'make them again with `coc view FILE --json`, or by the study that gave them',
    });
  const parsed = linkedPlanesSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw wrong(
      `${issue.path.join('.') || 'the data'}: ${issue.message}`,
      'the form described in src/results/linked-planes.ts',
    );
  }
  const { data } = parsed;
  checkNames(data, wrong);
  for (const p of data.planes) checkPictures(p, data, wrong);
  for (const l of data.lines) checkLine(l, data, wrong);
  return data;
}

type Wrong = (given: string, expected: string) => InputError;

function checkNames({ planes, lines, signals }: LinkedPlanes, wrong: Wrong): void {
  const each = (values: readonly string[], given: string, expected: string): void => {
    if (new Set(values).size < values.length) throw wrong(`${given} ${values.join(', ')}`, expected);
  };
  each(
    planes.map((p) => p.name),
    'the planes',
    'axial, coronal and sagittal, each once',
  );
  each(
    lines.map((l) => [...l.planes].sort().join('-')),
    'the lines',
    'each pair of planes once',
  );
  each(
    signals.map((s) => s.key),
    'the signals',
    'each key once',
  );
  if (signals[0].kind !== 'image')
    throw wrong(`${signals[0].key} as the first signal`, 'the image as stored first');
}

function checkPictures(p: LinkedPlane, { planes, signals }: LinkedPlanes, wrong: Wrong): void {
  if ((p.maskPng === undefined) !== (planes[0].maskPng === undefined))
    throw wrong(`a mask in some planes, none in others`, 'a mask in all planes or in none');
  const wanted = signals.filter((s) => s.kind === 'prediction').map((s) => s.key);
  const has = Object.keys(p.predictions ?? {});
  if (wanted.length !== has.length || !wanted.every((k) => has.includes(k)))
    throw wrong(`${p.name}.predictions of ${has.join(', ') || 'nothing'}`, wanted.join(', ') || 'none');
  for (const [what, png] of Object.entries({ png: p.png, maskPng: p.maskPng, ...p.predictions })) {
    if (png === undefined) continue;
    const { width, height } = readPng(png, () => wrong(`${p.name}.${what}`, 'a PNG in base64'));
    if (width !== p.width || height !== p.height)
      throw wrong(`${p.name}.${what} of ${width} x ${height} pixels`, `${p.width} x ${p.height} pixels`);
  }
}

function readPng(base64: string, wrong: () => InputError): PNG {
  try {
    return PNG.sync.read(Buffer.from(base64, 'base64'));
  } catch {
    throw wrong();
  }
}

function checkLine(l: LinkedLine, data: LinkedPlanes, wrong: Wrong): void {
  const name = l.planes.join('-');
  const [a, b] = l.planes.map((n) => data.planes.find((p) => p.name === n)!);
  if (a === b) throw wrong(`a line of ${name}`, 'two different planes');
  for (const i of [0, l.count - 1]) {
    const voxels = [a, b].map((p, k) => {
      const [x, y] = pixelOfSample(l, k === 0 ? 0 : 1, i);
      if (x < 0 || y < 0 || x >= p.width || y >= p.height)
        throw wrong(`sample ${i} of ${name} at (${x}, ${y}) of the ${p.name} plane`, 'a place inside it');
      return voxelAt(p, x, y).join(', ');
    });
    if (voxels[0] !== voxels[1])
      throw wrong(
        `sample ${i} of ${name}: voxel (${voxels[0]}) in one plane and (${voxels[1]}) in the other`,
        'one voxel (is a plane flipped?)',
      );
  }
  const keys = data.signals.map((s) => s.key);
  const has = Object.keys(l.profiles);
  if (has.length !== keys.length || !keys.every((k) => has.includes(k)))
    throw wrong(`profiles of ${name} for ${has.join(', ')}`, `profiles for ${keys.join(', ')}`);
  if ((l.labels === undefined) !== (data.planes[0].maskPng === undefined))
    throw wrong(
      `${l.labels ? 'labels' : 'no labels'} along ${name}`,
      'labels along the lines where there is a mask',
    );
  for (const [what, values] of Object.entries({ ...l.profiles, ...(l.labels && { labels: l.labels }) })) {
    for (const v of values)
      if (v.length !== l.count) throw wrong(`${v.length} values of ${what} along ${name}`, `${l.count}`);
  }
}
