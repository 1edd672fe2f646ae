// Whether a folder is what its crate says: every file there, unchanged and named, and the runs told as in their files.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { sha256 } from '../base/hash';
import { messageOf } from '../base/errors';
import { provenanceSchema } from '../results/result';
import {
  crateFile,
  crateProfile,
  crateVersion,
  kept,
  rebuilt,
  runId,
  studyFolder,
  timeOf,
  versionOf,
} from './crate-graph';

const refSchema = z.object({ '@id': z.string() });
const oneOrMore = <T extends z.ZodType>(type: T): z.ZodType<z.infer<T>[]> =>
  z.union([z.array(type), type.transform((one) => [one])]);

const entitySchema = z.object({ '@id': z.string(), '@type': oneOrMore(z.string()) }).catchall(z.unknown());
type Entity = z.infer<typeof entitySchema>;

const crateSchema = z.object({ '@context': z.unknown(), '@graph': z.array(entitySchema) });

const again = 'restore it from git, or describe the folder again (`npm run reproduce -- --record`)';
const fromMaker = 'get the file again from whoever made the folder, or restore it from git';

/**
 * Check a folder against its crate.
 * @param dir  the folder with ro-crate-metadata.json
 * @returns problems, one line each with what to do; none where all is as recorded
 */
export function checkCrate(dir: string): string[] {
  const file = path.join(dir, crateFile);
  if (!existsSync(file)) return [`${crateFile} is missing: ${again}`];
  let entities: Map<string, Entity>;
  try {
    const parsed = crateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    entities = new Map(parsed['@graph'].map((entity) => [entity['@id'], entity]));
    if (entities.size < parsed['@graph'].length) {
      return [`${crateFile} describes one thing twice (two entries share an @id): ${again}`];
    }
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    const what = issue ? `${issue.path.join('.') || 'the file'}: ${issue.message}` : messageOf(error);
    return [`${crateFile} is no RO-Crate (${what}): ${again}`];
  }
  const form = checkForm(entities);
  if (form.length > 0) return form;
  return [...checkFiles(dir, entities), ...checkRuns(dir, entities)];
}

/** The parts that every reader of crates looks for. */
function checkForm(entities: Map<string, Entity>): string[] {
  const problems: string[] = [];
  const points = (from: string, key: string, to: string): void => {
    const entity = entities.get(from);
    if (!entity) problems.push(`${crateFile} does not describe ${from}: ${again}`);
    else if (!targets(entity[key]).includes(to)) {
      problems.push(`${crateFile}: ${from} does not say "${key}": ${to}; ${again}`);
    }
  };
  points(crateFile, 'about', './');
  points(crateFile, 'conformsTo', crateVersion);
  points('./', 'conformsTo', crateProfile);
  for (const entity of entities.values()) {
    for (const key of [
      'hasPart',
      'mentions',
      'instrument',
      'agent',
      'object',
      'result',
      'license',
      'isBasedOn',
    ]) {
      for (const target of targets(entity[key])) {
        if (!entities.has(target)) {
          problems.push(
            `${crateFile}: ${entity['@id']} names ${target} as ${key}, which it does not describe; ${again}`,
          );
        }
      }
    }
  }
  return problems;
}

/** The ids that a value refers to. */
function targets(value: unknown): string[] {
  return [value].flat().flatMap((one) => {
    const parsed = refSchema.safeParse(one);
    return parsed.success ? [parsed.data['@id']] : [];
  });
}

/** Every described file there and unchanged, every file described. */
function checkFiles(dir: string, entities: Map<string, Entity>): string[] {
  const problems: string[] = [];
  const described = new Set<string>();
  for (const entity of entities.values()) {
    if (!entity['@type'].includes('File')) continue;
    const name = decode(entity['@id']);
    if (name === undefined || path.isAbsolute(name) || name.split('/').includes('..')) {
      problems.push(`${crateFile} names ${entity['@id']}, which is no file inside the folder: ${again}`);
      continue;
    }
    described.add(name);
    const file = path.join(dir, name);
    const recorded = entity.sha256;
    if (typeof recorded !== 'string' || !/^[0-9a-f]{64}$/.test(recorded)) {
      problems.push(`${crateFile} gives no SHA-256 for ${name}: ${again}`);
    } else if (!existsSync(file)) {
      problems.push(`${name} is missing: ${fromMaker}`);
    } else {
      const now = sha256(readFileSync(file));
      if (now !== recorded) {
        problems.push(
          `${name} was changed after it was recorded (SHA-256 ${now.slice(0, 12)}, recorded ${recorded.slice(0, 12)}): ${fromMaker}`,
        );
      }
    }
  }
  for (const name of filesOf(dir)) {
    if (described.has(name) || isRebuilt(name, described)) continue;
    problems.push(
      `${name} is in the folder and not in its description: remove it, or describe the folder again (\`npm run reproduce -- --record\`)`,
    );
  }
  return problems;
}

/** The file name that an id stands for; undefined where it stands for none. */
function decode(id: string): string | undefined {
  if (/^(?:#|[a-z][a-z0-9+.-]*:)/i.test(id)) return undefined;
  try {
    return decodeURI(id);
  } catch {
    return undefined;
  }
}

/** Paths of all files below a folder, `/` between their parts; hidden ones and the crate itself left out. */
function filesOf(dir: string, below = ''): string[] {
  return readdirSync(path.join(dir, below), { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .flatMap((entry) => {
      const name = path.posix.join(below, entry.name);
      return entry.isDirectory() ? filesOf(dir, name) : name === crateFile ? [] : [name];
    })
    .sort();
}

/** What every reproduce makes anew beside the recorded files: other forms of known figures, the last quick run, pages, plotly. */
function isRebuilt(name: string, described: ReadonlySet<string>): boolean {
  if (name.startsWith('quick/') || name === 'plotly.js' || name === 'vram.html') return true;
  const { dir, name: stem, ext } = path.posix.parse(name);
  return (
    dir === '' &&
    rebuilt.some((format) => ext === `.${format}`) &&
    kept.some((format) => described.has(`${stem}.${format}`))
  );
}

const studySchema = z.object({ study: z.string(), provenance: provenanceSchema });

/** What the crate tells of each run against what the study's file says. */
function checkRuns(dir: string, entities: Map<string, Entity>): string[] {
  const problems: string[] = [];
  const place = studyFolder(dir);
  for (const name of filesOf(path.join(dir, place))) {
    if (!name.endsWith('.json') || name.includes('/')) continue;
    const id = path.posix.join(place, name);
    const entity = entities.get(id);
    if (!entity) continue;
    let study: z.infer<typeof studySchema>;
    try {
      study = studySchema.parse(JSON.parse(readFileSync(path.join(dir, id), 'utf8')));
    } catch {
      // A changed file is told of above; one that was never a study is another's business.
      continue;
    }
    const run = entities.get(runId(study.study));
    if (!run) {
      problems.push(`${crateFile} tells of no run that made ${id}: ${again}`);
      continue;
    }
    const { provenance } = study;
    const told = (key: string): Entity[] => targets(run[key]).map((target) => entities.get(target)!);
    const facts: [string, unknown, unknown][] = [
      ['end', run.endTime, timeOf(Date.parse(provenance.date))],
      ['commit', told('instrument')[0]?.version, versionOf(provenance)],
      ['mode', told('object').find((entity) => entity.name === 'mode')?.value, provenance.mode],
      [
        'data',
        told('object')
          .flatMap((entity) =>
            typeof entity.sha256 !== 'string' ? [] : [`${entity.name as string} ${entity.sha256}`],
          )
          .sort()
          .join(', '),
        provenance.inputs
          .map((input) => `${input.name} ${input.sha256}`)
          .sort()
          .join(', '),
      ],
    ];
    if (!targets(run.result).includes(id)) facts.push(['result', targets(run.result).join(', '), id]);
    for (const [fact, crate, file] of facts) {
      if (crate !== file) {
        problems.push(
          `${crateFile} tells another ${fact} of the run of ${study.study} than ${id} (${short(crate)}, not ${short(file)}): ${again}`,
        );
      }
    }
  }
  return problems;
}

function short(value: unknown): string {
  const text = typeof value === 'string' && value !== '' ? value : 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
