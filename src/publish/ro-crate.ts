// A folder of recorded results as a Research Object Crate: written after a recording, checked by whoever gets the folder.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { writeJsonAtomic } from '../base/files';
import { sha256 } from '../base/hash';
import { inRepo } from '../base/paths';
import { figure } from '../plots/draw';
import { fileStem } from '../plots/write-figure';
import type { Result } from '../results/result';
import type { Study } from '../results/store';
import { loadStudy } from '../results/store';
import type { Citation, CrateFile, CrateRun } from './crate-graph';
import { crateFile, crateOf, kept, studyFolder } from './crate-graph';
import { slicesId } from './figure-one';
import { paperResults } from './recorded';

export { checkCrate } from './crate-check';

const citationSchema = z.object({
  title: z.string(),
  authors: z.array(z.object({ name: z.string() })).min(1),
});

/**
 * Describe recorded runs: each study with its code, data, device, times and figures, and the SHA-256 of every file.
 * @param dir  a folder with study files, or figures/ with recorded/ in it
 * @returns the file written; equal folders give equal bytes
 * @throws InputError for a folder without studies, and for a malformed one
 */
export function writeCrate(dir: string): string[] {
  const place = studyFolder(dir);
  const names = studyNames(path.join(dir, place));
  if (names.length === 0) {
    throw new InputError({
      what: `cannot describe ${dir}`,
      given: 'no study file in it',
      expected: 'recorded results, such as those in figures/recorded',
      fix: 'record some (`npm run reproduce -- --record`), or give the folder that holds them',
    });
  }
  const fileOf = (study: string): string => path.posix.join(place, `${study}.json`);
  const describe = (file: Omit<CrateFile, 'sha256' | 'bytes'>): CrateFile => {
    const data = readFileSync(path.join(dir, file.path));
    return { ...file, sha256: sha256(data), bytes: data.length };
  };
  const studies = new Map<string, Study>(names.map((name) => [name, loadStudy(path.join(dir, place), name)]));
  const files = names.map((name) => describe({ path: fileOf(name), name: `Results of the study ${name}` }));
  const runs = new Map<string, CrateRun>(
    [...studies].map(([name, study]) => [name, { study, results: [fileOf(name)] }]),
  );
  for (const drawn of drawnFrom(path.join(dir, place))) {
    for (const format of kept) {
      const file = `${drawn.stem}.${format}`;
      if (!existsSync(path.join(dir, file))) continue;
      const basedOn = drawn.studies.filter((study) => studies.has(study)).map(fileOf);
      files.push(
        describe({
          path: file,
          name: drawn.title,
          description: drawn.alt,
          ...(basedOn.length > 0 && { basedOn }),
        }),
      );
      runs.get(drawn.study)?.results.push(file);
    }
  }
  const crate = crateOf([...runs.values()], files, citation());
  const target = path.join(dir, crateFile);
  writeJsonAtomic(target, crate);
  return [target];
}

/** The studies of a folder by name. */
function studyNames(dir: string): string[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith('.json') && file !== crateFile)
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

interface DrawnFigure {
  stem: string;
  title: string;
  alt: string;
  /** The study that asks for it. */
  study: string;
  /** Every study with a number in it. */
  studies: string[];
}

/** Every figure that a folder's results ask for, Figure 1 among them. */
function drawnFrom(dir: string): DrawnFigure[] {
  const results: ReadonlyMap<string, Result> = paperResults(dir);
  const figures = [...results.values()].filter((result) => result.figure);
  const drawn = figures.map(({ id, study }) => {
    const { title, alt, stamp } = figure(id, results);
    const studies = stamp.results.map((used) => results.get(used)?.study ?? study);
    return { stem: fileStem(id), title, alt, study, studies: [...new Set([study, ...studies])] };
  });
  const slices = results.get(slicesId);
  if (!slices) return drawn;
  const alt =
    'Figure 1: three planes of one volume through one shared network, compared along their intersections.';
  const study = slices.study;
  return [
    ...drawn,
    { stem: 'architecture', title: 'The network of the study', alt, study, studies: [study] },
  ];
}

function citation(): Citation {
  const { title, authors } = citationSchema.parse(parse(readFileSync(inRepo('CITATION.cff'), 'utf8')));
  return { title, authors: authors.map((author) => author.name) };
}
