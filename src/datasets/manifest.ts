// Data manifests: what a data set is made of, under which licence, and how to know that a file is the right one.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError, messageOf } from '../base/errors';
import { readJson } from '../base/files';
import { inRepo } from '../base/paths';

const text = z.string().min(1);
const hex = (digits: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
/** A path inside the data set: relative, `/` between its parts, no `.` or `..` part. */
const relativePath = z.string().regex(/^(?!\.{1,2}(\/|$))[^/\\]+(\/(?!\.{1,2}(\/|$))[^/\\]+)*$/);
/** https, or a server on this machine. */
const address = z.string().regex(/^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/])/);

const geometry = z.strictObject({
  dims: z.array(z.int().positive()).min(2).max(7).describe('voxels along each axis, as in the file'),
  spacing: z.array(z.number().positive()).min(2).max(7).describe('millimetres along each axis'),
  axes: z
    .string()
    .regex(/^[RLAPSI]{3}$/)
    .describe('the side of the patient towards which each index grows'),
});

const file = z.strictObject({
  path: relativePath.describe('where the file lies in the data set, here and in the mirror folder'),
  url: z
    .union([address, relativePath])
    .optional()
    .describe('absolute, or relative to source.base; left out when it is source.base + path'),
  sha256: hex(64).optional(),
  md5: hex(32).optional().describe('where the publisher gives no better hash; checked beside sha256'),
  bytes: z.int().nonnegative().optional(),
  role: z.enum(['image', 'label', 'mask', 'dicom', 'label-names', 'licence', 'archive', 'weights']),
  subject: text.optional(),
  channel: text.optional(),
  geometry: geometry.partial().optional().describe('only what differs from the data set'),
  extractTo: relativePath.optional().describe('for an archive: the folder its members go to'),
  verified: z
    .literal(false)
    .optional()
    .describe('false: the hash is unknown or only quoted; nobody here has hashed these bytes'),
  note: text.optional(),
});

const manifest = z.strictObject({
  $schema: z.literal('./schema.json').optional(),
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  title: text,
  modality: text,
  licence: z.strictObject({
    id: text.describe('SPDX identifier, or LicenseRef-...'),
    name: text,
    url: address.optional(),
    readAt: text.describe('where the licence was read'),
    shareAlike: z.boolean(),
    nonCommercial: z.boolean(),
    gated: text.optional().describe('the publisher asks for a login: what to do instead of a download'),
  }),
  citation: z.array(text).min(1),
  source: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('url'), base: address.describe('ends with /') }),
      z.strictObject({
        kind: z.literal('debian'),
        package: text,
        version: text,
        folder: text.describe('where the package puts the files'),
        sha256: hex(64).describe('of the .deb'),
        bytes: z.int().positive(),
      }),
      z.strictObject({
        kind: z.literal('repository'),
        folder: text.describe('of this repository, which made the files and holds them'),
      }),
    ])
    .optional(),
  geometry: geometry.partial().optional().describe('of every image, unless the file says otherwise'),
  labels: z.record(z.string().regex(/^\d+$/), text).describe('voxel value -> structure'),
  labelsNote: text.optional(),
  splits: z.record(text, z.array(text).min(1)).describe('split -> subjects'),
  splitsNote: text.optional(),
  notes: z.array(text).optional().describe('what a user must know before computing with it'),
  files: z.array(file).min(1),
});

/** A data set: name, licence, citation, files with hashes, geometry, labels, splits. */
export type Manifest = z.infer<typeof manifest>;
/** One file of a data set. */
export type DataFile = Manifest['files'][number];
/** What a file is for. */
export type Role = DataFile['role'];
/** Voxels along each axis, millimetres, axis codes. */
export type Geometry = z.infer<typeof geometry>;

/** Every role a file can have. */
export const roles: readonly Role[] = file.shape.role.options;

/** The folder of the manifests. */
export const manifestsFolder: string = inRepo('data-manifests');

/** The published JSON Schema of a manifest (`data-manifests/schema.json`). */
export function manifestJsonSchema(): unknown {
  return {
    ...(z.toJSONSchema(manifest, { target: 'draft-2020-12' }) as object),
    title: 'Data manifest of Cost of Consistency',
  };
}

/** The names of all manifests, in alphabetical order. */
export function listManifests(): string[] {
  return readdirSync(manifestsFolder)
    .filter((name) => name.endsWith('.json') && name !== 'schema.json')
    .map((name) => name.slice(0, -'.json'.length))
    .sort();
}

/**
 * The manifest of a data set.
 * @param name  a name from `listManifests()`, or the path of a manifest of your own (ends in `.json`)
 * @throws InputError when there is none or when it breaks the schema; the message names the key and the file
 */
export function loadManifest(name: string): Manifest {
  const own = name.endsWith('.json');
  if (!own && !listManifests().includes(name)) {
    throw new InputError({
      what: 'no such data set',
      given: `"${name}"`,
      expected: `one of ${listManifests().join(', ')}`,
      fix: 'take one of these names, or give the path of a manifest of your own that ends in .json',
    });
  }
  const place = own ? path.resolve(name) : path.join(manifestsFolder, `${name}.json`);
  let value: unknown;
  try {
    value = readJson(place);
  } catch (error) {
    throw invalid(place, messageOf(error), 'a JSON file');
  }
  const parsed = parseManifest(value, place);
  if (parsed.name !== path.basename(place, '.json'))
    throw invalid(place, `name "${parsed.name}"`, 'the name of the file without .json');
  return parsed;
}

/**
 * Check a manifest that was read from `place`.
 * @throws InputError naming the key, the file and what would have been right
 */
export function parseManifest(value: unknown, place: string): Manifest {
  const result = manifest.safeParse(value);
  if (!result.success) throw invalid(place, ...firstProblem(result.error, value));
  const problem = inconsistency(result.data);
  if (problem) throw invalid(place, ...problem);
  return result.data;
}

/** What was found and what would have been right, from the first of zod's complaints. */
function firstProblem(error: z.ZodError, value: unknown): [given: string, expected: string] {
  const [issue] = error.issues;
  const at = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const where = at ? at.replace(/^\./, '') : 'the top level';
  if (issue.code === 'unrecognized_keys')
    return [
      `unknown key ${issue.keys.map((k) => `"${k}"`).join(', ')} in ${where}`,
      'only keys of schema.json',
    ];
  let found: unknown = value;
  for (const key of issue.path) found = (found as Record<PropertyKey, unknown> | undefined)?.[key];
  return [`${where} = ${JSON.stringify(found) ?? 'nothing'}`, issue.message];
}

/** What the schema alone cannot say. */
function inconsistency(m: Manifest): [given: string, expected: string] | undefined {
  const paths = new Set<string>();
  const subjects = new Set<string>();
  for (const [i, f] of m.files.entries()) {
    const where = `files[${i}] (${f.path})`;
    if (paths.has(f.path)) return [`${where} twice`, 'each path once'];
    paths.add(f.path);
    if (f.subject) subjects.add(f.subject);
    if (f.verified !== false && (f.sha256 === undefined || f.bytes === undefined))
      return [`${where} without sha256 or bytes`, 'both, or "verified": false with a note'];
    if (f.verified === false && !f.note)
      return [`${where} unverified without a note`, 'a note that says why'];
    if ((f.role === 'archive') !== (f.extractTo !== undefined))
      return [
        `${where} with role ${f.role} and extractTo ${f.extractTo ?? 'absent'}`,
        'extractTo on archives alone',
      ];
    if (m.source === undefined && !f.url)
      return [`${where} without url`, 'a url, or a source for the whole data set'];
  }
  if (m.source?.kind === 'url' && !m.source.base.endsWith('/'))
    return [`source.base = "${m.source.base}"`, 'an address that ends with /'];
  const seen = new Map<string, string>();
  for (const [split, members] of Object.entries(m.splits)) {
    for (const subject of members) {
      if (!subjects.has(subject))
        return [`subject "${subject}" in splits.${split}`, 'subjects that have files'];
      if (seen.has(subject))
        return [
          `subject "${subject}" in splits.${seen.get(subject)} and splits.${split}`,
          'each subject in one split',
        ];
      seen.set(subject, split);
    }
  }
  return undefined;
}

function invalid(place: string, given: string, expected: string): InputError {
  return new InputError({
    what: `${place} is not a valid data manifest`,
    given,
    expected,
    fix: 'mend the manifest; data-manifests/schema.json describes it',
  });
}
