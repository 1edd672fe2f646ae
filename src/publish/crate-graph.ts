// The description of recorded runs as linked data: RO-Crate 1.1 with the profile Process Run Crate 0.5.
//
// One action a study: code at a commit (instrument) made the study's file and its figures (result) from data, mode and
// seed (object), on a device. https://w3id.org/ro/crate/1.1, https://w3id.org/ro/wfrun/process/0.5
import { existsSync } from 'node:fs';
import path from 'node:path';
import { sha256OfValue } from '../base/hash';
import type { Study } from '../results/store';
import type { DataSet } from './data-sets';
import { dataSetOf } from './data-sets';

/** A thing in the graph. */
export type Entity = { '@id': string; '@type': string | string[] } & Record<string, unknown>;

/** A crate: what stands in ro-crate-metadata.json. */
export interface Crate {
  '@context': unknown;
  '@graph': Entity[];
}

/** A file of the crate. */
export interface CrateFile {
  /** From the crate's folder, with `/`. */
  path: string;
  sha256: string;
  bytes: number;
  name: string;
  description?: string;
  /** Paths of the study files that a figure is drawn from. */
  basedOn?: string[];
}

/** A recorded run. */
export interface CrateRun {
  study: Study;
  /** Paths of what it made: the study's file first, then its figures. */
  results: string[];
}

/** Who stands behind the crate: from CITATION.cff. */
export interface Citation {
  title: string;
  authors: string[];
}

/** The file that makes a folder a crate. */
export const crateFile = 'ro-crate-metadata.json';
/** Formats of figures that are tracked; the others are drawn anew by every reproduce and belong to no record. */
export const kept = ['svg', 'png'] as const;
export const rebuilt = ['pdf', 'html', 'json', 'csv'] as const;

/** Where the study files lie, from the crate's folder: in `recorded/` or in the folder itself. */
export function studyFolder(dir: string): string {
  return existsSync(path.join(dir, 'recorded')) ? 'recorded' : '';
}

export const crateVersion = 'https://w3id.org/ro/crate/1.1';
export const crateProfile = 'https://w3id.org/ro/wfrun/process/0.5';
const context = [
  `${crateVersion}/context`,
  // Terms of the profile; its own context has them under these names.
  {
    resourceUsage: 'https://w3id.org/ro/terms/workflow-run#resourceUsage',
    sha256: 'https://w3id.org/ro/terms/workflow-run#sha256',
  },
];

const licences = {
  text: { url: 'https://creativecommons.org/licenses/by/4.0/', name: 'CC BY 4.0' },
  code: { url: 'https://opensource.org/license/mit', name: 'MIT' },
};

const mediaTypes: Record<string, string> = {
  json: 'application/json',
  svg: 'image/svg+xml',
  png: 'image/png',
};

const ref = (id: string): { '@id': string } => ({ '@id': id });
/** One thing stands alone, several in a list, none not at all: RO-Crate's way. */
const some = <T>(values: readonly T[]): T | readonly T[] | undefined =>
  values.length > 1 ? values : values[0];
const refs = (ids: readonly string[]): unknown => some(ids.map(ref));

/** The `@id` of a file: a path as a URI. */
export const fileId = (file: string): string => encodeURI(file);
/** The `@id` of a study's action. */
export const runId = (study: string): string => `#run-${study}`;
/** A time as the profile's checks want it: with an offset, not with the Z that means the same. */
export const timeOf = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace('Z', '+00:00');
/** A commit as the crate writes it. */
export const versionOf = ({ commit, dirty }: Study['provenance']): string =>
  dirty && commit !== 'unknown' ? `${commit} with changes` : commit;

/** The crate of some runs. Equal arguments give an equal crate. */
export function crateOf(runs: readonly CrateRun[], files: readonly CrateFile[], citation: Citation): Crate {
  const newest = runs
    .map((run) => run.study.provenance.date)
    .sort()
    .pop();
  const authors = citation.authors.map(authorId);
  const root: Entity = {
    '@id': './',
    '@type': 'Dataset',
    name: `${citation.title}: recorded results`,
    description:
      'Results of recorded runs, each with its provenance, and the figures that are drawn from them. ' +
      'Numbers of a study are in its JSON file; a figure says in its own metadata what it was drawn from.',
    datePublished: newest ?? '1970-01-01',
    license: ref(licences.text.url),
    author: refs(authors),
    publisher: refs(authors),
    conformsTo: ref(crateProfile),
    hasPart: refs(files.map((file) => fileId(file.path))),
    mentions: refs(runs.map((run) => runId(run.study.study))),
  };
  const others = new Map<string, Entity>();
  const add = (entity: Entity): string => {
    others.set(entity['@id'], entity);
    return entity['@id'];
  };
  for (const { url, name } of Object.values(licences))
    add({ '@id': url, '@type': 'CreativeWork', name, url });
  add({ '@id': crateProfile, '@type': 'CreativeWork', name: 'Process Run Crate', version: '0.5' });
  for (const name of citation.authors) add({ '@id': authorId(name), '@type': 'Organization', name });
  for (const file of files) add(fileEntity(file));
  for (const run of runs) addRun(run, authors, add);
  return {
    '@context': context,
    '@graph': [
      {
        '@id': 'ro-crate-metadata.json',
        '@type': 'CreativeWork',
        about: ref('./'),
        conformsTo: ref(crateVersion),
      },
      root,
      ...[...others.values()].sort((a, b) => (a['@id'] < b['@id'] ? -1 : 1)),
    ],
  };
}

const authorId = (name: string): string => `#${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;

function fileEntity({ path, sha256, bytes, name, description, basedOn }: CrateFile): Entity {
  return {
    '@id': fileId(path),
    '@type': 'File',
    name,
    description,
    sha256,
    contentSize: `${bytes}`,
    encodingFormat: mediaTypes[path.split('.').pop()!] ?? 'application/octet-stream',
    license: ref(licences.text.url),
    isBasedOn: basedOn && refs(basedOn.map(fileId)),
  };
}

function addRun(
  { study: { study, provenance }, results }: CrateRun,
  agents: string[],
  add: (entity: Entity) => string,
): void {
  const { device, versions, inputs, notes, mode, seed, date, cost, identity } = provenance;
  const property = (name: string, value: string | number, unitText?: string): string =>
    add({ '@id': `#${study}-${name}`, '@type': 'PropertyValue', name, value, unitText });
  const code = add({
    '@id': `#code-${versionOf(provenance).replaceAll(' ', '-')}`,
    '@type': 'SoftwareSourceCode',
    name: 'cost-of-consistency',
    description: 'The library of the executable paper.',
    version: versionOf(provenance),
    license: ref(licences.code.url),
    programmingLanguage: 'TypeScript',
  });
  const objects = [
    property('mode', mode),
    ...(seed === null ? [] : [property('seed', seed)]),
    ...inputs.map((input) => add(inputEntity(input, add))),
  ];
  const machine = [
    device.cpu,
    `${device.cores} cores`,
    `${device.memoryGiB} GiB of memory`,
    device.platform,
    device.gpu === null ? 'no GPU' : [device.gpu, device.driver].filter(Boolean).join(', driver '),
  ].join('; ');
  add({
    '@id': runId(study),
    '@type': 'CreateAction',
    name: `${mode} run of the study ${study}`,
    description: [`Study ${study} in the mode ${mode}.`, ...notes.map((note) => `${note}.`)].join(' '),
    actionStatus: 'http://schema.org/CompletedActionStatus',
    instrument: ref(code),
    agent: refs(agents),
    identifier: identity.hash,
    startTime: timeOf(Date.parse(date) - Math.round(cost.seconds * 1000)),
    endTime: timeOf(Date.parse(date)),
    object: refs(objects),
    result: refs(results.map(fileId)),
    resourceUsage: refs([
      property('seconds', cost.seconds, 'second'),
      property('memory', cost.memoryMB, 'MB (1e6 bytes), most at any time'),
    ]),
    additionalProperty: refs([
      property('device', machine),
      property(
        'versions',
        Object.entries(versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(', '),
      ),
    ]),
  });
}

/** A file of a data set, which is not in the crate; or a generated input. */
function inputEntity(
  { name, sha256 }: { name: string; sha256: string },
  add: (entity: Entity) => string,
): Entity {
  const set = dataSetOf(name);
  const id = `#input-${sha256OfValue({ name, sha256 }).slice(0, 16)}`;
  const entity: Entity = { '@id': id, '@type': 'CreativeWork', name, sha256 };
  if (!set) return { ...entity, description: 'A generated input: made by the code, owed to no data set.' };
  return {
    ...entity,
    license: licenceOf(set, add),
    isPartOf: ref(
      add({
        '@id': `#data-${set.name}`,
        '@type': 'CreativeWork',
        name: set.title,
        license: licenceOf(set, add),
        citation: some(set.citation),
      }),
    ),
  };
}

function licenceOf({ licence }: DataSet, add: (entity: Entity) => string): { '@id': string } | string {
  if (licence.url === undefined) return licence.name;
  // One address may be that of our own licence: its entity stays as it is.
  if (Object.values(licences).some(({ url }) => url === licence.url)) return ref(licence.url);
  return ref(add({ '@id': licence.url, '@type': 'CreativeWork', name: licence.name, url: licence.url }));
}
