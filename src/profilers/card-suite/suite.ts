// The card suite: runs its parts, keeps what each found, and writes one record.
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Card } from '../../backends/card';
import { firstCard } from '../../backends/card';
import { isSoftware, lookAtAdapter, adapterName, driverOf } from '../../backends/webgpu/adapter';
import { checkVulkan, dawnEntry } from '../../backends/webgpu/dawn';
import { InputError } from '../../base/errors';
import { readJson, writeJsonAtomic } from '../../base/files';
import { sha256OfValue } from '../../base/hash';
import { inRepo } from '../../base/paths';
import type { Long } from '../../base/progress';
import { Meter } from '../../base/progress';
import { thisDevice } from '../../results/provenance';
import type { Study } from '../../results/store';
import { recordedDir, saveStudy } from '../../results/store';
import type { SuiteCode } from './code';
import { suiteCode } from './code';
import { readyNets } from './nets';
import type { Part, PartState } from './part';
import { emptyPart, partStateSchema, runPart } from './part';
import { partsOf, unitsOf } from './parts';
import { dataSheetOf } from './peaks';
import { rehearsalId, rehearsalNote, studyId } from './record';
import type { PartsFound } from './found';
import { findingsOf } from './rows';

export interface SuiteOptions extends Long {
  /** The same steps with tiny sizes, on whatever computes here. */
  rehearse?: boolean;
  /** A folder for the record and for what is known so far. */
  out?: string;
  /** No further process is started after so many seconds; the next call goes on. */
  limitSeconds?: number;
  /** Begin anew where an earlier call had begun. */
  anew?: boolean;
  /** Parts by the first words of their names: `webgpu`, `torch times`; all where left out. */
  only?: readonly string[];
  /** Other parts, in tests. */
  parts?: readonly Part[];
  /** Receives a line when a part is done. */
  say?: (line: string) => void;
}

export interface SuiteDone extends PartsFound {
  study: Study;
  /** The file of the record. */
  file: string;
}

/** The card that the suite runs on. */
interface Found {
  name: string;
  driver: string | null;
  memoryMiB: number | null;
}

const progressSchema = z.strictObject({ key: z.string(), parts: z.record(z.string(), partStateSchema) });

/**
 * Run the suite, or go on with it.
 * @throws InputError `not testable here` where there is no card; Interrupted (what is done is kept)
 */
export async function runSuite({
  rehearse = false,
  out,
  limitSeconds = Infinity,
  anew = false,
  only = [],
  parts = partsOf({ rehearse, python: process.env.COC_PYTHON ?? 'python3' }),
  say = () => undefined,
  ...long
}: SuiteOptions = {}): Promise<SuiteDone> {
  const until = performance.now() + limitSeconds * 1000;
  const card = rehearse ? null : await requireCard(long.signal);
  const chosen = chosenParts(parts, only);
  const code = await suiteCode();
  const folder = out ?? inRepo('.cache', rehearse ? 'card-suite-rehearsal' : 'card-suite');
  const file = path.join(folder, 'progress.json');
  const key = sha256OfValue({
    card,
    code: code.identity.hash,
    commit: code.commit,
    node: process.version,
    rehearse,
  });
  if (anew) rmSync(file, { force: true });
  const states = statesOf(file, key);
  const total = chosen.reduce((sum, part) => sum + part.units.length, 0);
  const known = (part: Part): number =>
    part.units.filter((id) => id in (states[part.name]?.units ?? {})).length;
  const meter = new Meter(rehearse ? 'rehearsal of the card suite' : 'card suite', 'units', total, long);
  const began = new Date();
  if (chosen.some(({ name }) => name.endsWith(' steps'))) await readyNets();
  let kept = 0;
  const keep = (): void => {
    kept = performance.now();
    writeJsonAtomic(file, { key, parts: states });
  };
  for (const part of chosen) {
    const state = (states[part.name] ??= emptyPart());
    // What was missing may be there by now.
    state.refused = null;
    const before = known(part);
    meter.add(before);
    if (before === part.units.length || performance.now() > until) continue;
    const changed = (_: PartState, unit: string): void => {
      meter.add(1, `${part.name}: ${unit}`);
      if (performance.now() - kept > 500) keep();
    };
    try {
      await runPart(part, state, { signal: long.signal, until, changed });
    } finally {
      keep();
    }
    say(partLine(part, state));
  }
  meter.finish();
  const study = studyOf({ rehearse, card, code, parts, states, began });
  return { parts, states, study, file: saveStudy(out ?? (rehearse ? folder : recordedDir()), study) };
}

/** @throws InputError for a name that no part begins with */
function chosenParts(parts: readonly Part[], only: readonly string[]): Part[] {
  const unknown = only.find((name) => !parts.some((part) => part.name.startsWith(name)));
  if (unknown !== undefined)
    throw new InputError({
      what: 'cannot choose parts of the card suite',
      given: unknown,
      expected: parts.map(({ name }) => name).join(', '),
      fix: 'give the first words of one of these',
    });
  return parts.filter(({ name }) => only.length === 0 || only.some((start) => name.startsWith(start)));
}

/** What an earlier call on the same card with the same code found. */
function statesOf(file: string, key: string): Record<string, PartState> {
  if (!existsSync(file)) return {};
  const read = progressSchema.safeParse(readJson(file));
  return read.success && read.data.key === key ? read.data.parts : {};
}

/** The card: NVIDIA's by its driver, else what WebGPU finds. @throws InputError `not testable here` */
async function requireCard(signal?: AbortSignal): Promise<Found> {
  const nvidia: Card | undefined = await firstCard(signal);
  if (nvidia) return nvidia;
  const adapter = await adapterHere(signal);
  if ('name' in adapter) return adapter;
  throw new InputError({
    what: 'not testable here: the card suite',
    given: `no card: nvidia-smi lists none, and WebGPU has ${adapter.reason}`,
    expected: 'a machine with a graphics card and its driver',
    fix: 'run it on one (`coc gpu-suite --pack DIR` makes what a machine without Node or network needs), or try its steps with --rehearse',
  });
}

async function adapterHere(signal?: AbortSignal): Promise<Found | { reason: string }> {
  try {
    const entry = dawnEntry();
    checkVulkan();
    const look = await lookAtAdapter(entry, signal);
    if (look.adapter === null) return { reason: `no adapter${look.message ? ` (${look.message})` : ''}` };
    const name = adapterName(look.adapter);
    if (isSoftware(look.adapter)) return { reason: `only a software adapter (${name})` };
    return { name, driver: driverOf(look.adapter), memoryMiB: null };
  } catch (error) {
    if (error instanceof InputError) return { reason: error.problem.given };
    throw error;
  }
}

function partLine({ name, units }: Part, { units: found, refused, seconds }: PartState): string {
  if (refused) return `${name}: not testable here: ${refused.reason}. ${refused.fix}`;
  const failed = Object.entries(found).flatMap(([id, one]) =>
    'failed' in one ? [`${id} (${one.failed})`] : [],
  );
  const done = Object.keys(found).length - failed.length;
  const more = failed.length > 0 ? `; FAILED: ${failed.join('; ')}` : '';
  return `${name}: ${done} of ${units.length} units in ${seconds.toFixed(1)} s${more}`;
}

function studyOf({
  rehearse,
  card,
  code,
  parts,
  states,
  began,
}: {
  rehearse: boolean;
  card: Found | null;
  code: SuiteCode;
  began: Date;
} & PartsFound): Study {
  const id = card ? studyId(card.name) : rehearsalId;
  const facts = Object.values(states).flatMap((state) => (state.facts ? [state.facts] : []));
  const versions = Object.assign(
    { node: process.versions.node },
    ...facts.map((one) => one.versions),
  ) as Record<string, string>;
  const sheet = card?.memoryMiB ? dataSheetOf(card.name, card.memoryMiB) : undefined;
  const seconds = Object.values(states).reduce((sum, state) => sum + state.seconds, 0);
  return {
    study: id,
    provenance: {
      mode: rehearse ? 'quick' : 'full',
      date: began.toISOString(),
      commit: code.commit,
      dirty: code.dirty,
      device: { ...thisDevice(), gpu: card?.name ?? null, driver: card?.driver ?? null },
      versions,
      seed: null,
      inputs: [],
      identity: code.identity,
      cost: { seconds: Math.round(seconds * 1000) / 1000, memoryMB: 0 },
      notes: [...(rehearse ? [rehearsalNote] : []), ...new Set(facts.flatMap(({ notes }) => notes))],
    },
    findings: findingsOf(id, { parts, states }, unitsOf(rehearse), sheet),
  };
}
