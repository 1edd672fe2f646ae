// Choosing files of a data set: by split, role and subject; and whole cases (images with their labels).
import { InputError } from '../base/errors';
import { dataDir } from '../base/paths';
import type { DataFile, Geometry, Manifest, Role } from './manifest';

/** Which files of a data set. What is left out is not restricted. */
export interface Selection {
  split?: string;
  roles?: readonly Role[];
  subjects?: readonly string[];
}

/**
 * The files that a selection means. Files without a subject (licences, label names) belong to every split.
 * Archives are chosen only by role, unless the data set has nothing else to take.
 * @throws InputError when the split, a role or a subject does not occur in the data set, or nothing is left
 */
export function selectFiles(manifest: Manifest, { split, roles, subjects }: Selection = {}): DataFile[] {
  const { name, files } = manifest;
  const members = split === undefined ? undefined : subjectsOf(manifest, split);
  const known = new Set(files.map((f) => f.subject));
  for (const subject of subjects ?? []) {
    if (!known.has(subject)) throw noSuch(name, 'subject', subject, subjectsOf(manifest));
  }
  for (const role of roles ?? []) {
    if (!files.some((f) => f.role === role))
      throw noSuch(name, 'role', role, [...new Set(files.map((f) => f.role))]);
  }
  const onlyArchives = files.every((f) => f.role === 'archive');
  const chosen = files.filter(
    (f) =>
      (roles ? roles.includes(f.role) : onlyArchives || f.role !== 'archive') &&
      (!members || f.subject === undefined || members.includes(f.subject)) &&
      (!subjects || f.subject === undefined || subjects.includes(f.subject)),
  );
  if (chosen.length === 0) {
    throw new InputError({
      what: `no file of ${name} was chosen`,
      given: `split ${split ?? 'any'}, role ${roles?.join(', ') ?? 'any'}, subject ${subjects?.join(', ') ?? 'any'}`,
      expected: 'a choice that some file fits',
      fix: 'leave one of the restrictions out',
    });
  }
  return chosen;
}

/**
 * The subjects of a split in its order, or of the whole data set in the order of its files.
 * @throws InputError when there is no such split
 */
export function subjectsOf(manifest: Manifest, split?: string): string[] {
  if (split === undefined)
    return [...new Set(manifest.files.flatMap((f) => (f.subject === undefined ? [] : [f.subject])))];
  if (!Object.hasOwn(manifest.splits, split))
    throw noSuch(manifest.name, 'split', split, Object.keys(manifest.splits));
  return manifest.splits[split];
}

/** One subject: its images by channel and its label, as absolute paths where `fetchFiles` puts them. */
export interface Case {
  subject: string;
  /** Channel -> path. */
  images: Record<string, string>;
  /** The first label file of the subject, if it has one. */
  label?: string;
  mask?: string;
}

/**
 * The cases of a data set: subjects that have images, with the paths of their files (fetched or not).
 * @param split    a split of the manifest; all subjects when left out
 * @param channel  only this channel; subjects without it are left out
 * @throws InputError when there is no such split or channel
 */
export function cases(
  manifest: Manifest,
  { split, channel }: { split?: string; channel?: string } = {},
): Case[] {
  const channels = new Set(manifest.files.flatMap((f) => f.channel ?? []));
  if (channel !== undefined && !channels.has(channel))
    throw noSuch(manifest.name, 'channel', channel, [...channels]);
  const place = (f: DataFile | undefined): string | undefined => f && placeOf(manifest, f);
  return subjectsOf(manifest, split).flatMap((subject) => {
    const own = manifest.files.filter((f) => f.subject === subject);
    const images: Record<string, string> = {};
    for (const f of own) {
      const name = f.channel ?? 'image';
      if (f.role === 'image' && (channel === undefined || name === channel))
        images[name] = placeOf(manifest, f);
    }
    if (Object.keys(images).length === 0) return [];
    const label = place(own.find((f) => f.role === 'label'));
    const mask = place(own.find((f) => f.role === 'mask'));
    return [{ subject, images, ...(label && { label }), ...(mask && { mask }) }];
  });
}

/** Where a file of a data set is placed for use. */
export function placeOf(manifest: Manifest, file: DataFile): string {
  return dataDir(manifest.name, ...file.path.split('/'));
}

/** A file's grid: its own facts over those of the data set; undefined where nothing is known. */
export function geometryOf(manifest: Manifest, file: DataFile): Partial<Geometry> | undefined {
  if (!['image', 'label', 'mask'].includes(file.role)) return undefined;
  const both = { ...manifest.geometry, ...file.geometry };
  return Object.keys(both).length ? both : undefined;
}

/** The address of a file, unless it comes in a package. */
export function urlOf(manifest: Manifest, file: DataFile): string | undefined {
  if (file.url && /^https?:/.test(file.url)) return file.url;
  return manifest.source?.kind === 'url' ? manifest.source.base + (file.url ?? file.path) : undefined;
}

function noSuch(dataset: string, kind: string, given: string, known: readonly string[]): InputError {
  return new InputError({
    what: `${dataset} has no such ${kind}`,
    given: `"${given}"`,
    expected: known.length
      ? `one of ${known.slice(0, 12).join(', ')}${known.length > 12 ? ', ...' : ''}`
      : `none: it has no ${kind}s`,
    fix: known.length ? `choose one of them` : `leave the ${kind} out`,
  });
}
