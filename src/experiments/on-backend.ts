// Runs of studies that compute with TensorFlow.js: on the backend that their identity names, or not at all.
import type { ChosenBackend } from '../backends/choose';
import type { Decision } from '../backends/probe';
import { InputError } from '../base/errors';
import type { Long } from '../base/progress';
import { canonicalJson } from '../base/hash';
import type { Job } from './job';

/**
 * Open what was decided for a run; undefined for a study that asks for no backend.
 * @throws InputError when it does not open here, or is another version or card than was decided: nothing takes its place
 */
export async function openDecided(
  { study, request, backend }: Job,
  { signal, progress }: Long,
): Promise<ChosenBackend | undefined> {
  if (!study.backend) return undefined;
  const { chooseBackend } = await import('../backends/choose.js');
  const opened = await chooseBackend({ backend: backend!.name, signal, progress });
  const [here, decided] = [opened, backend!].map(({ name, versions, gpu }) => ({
    name,
    ...versions,
    ...(gpu && { gpu }),
  }));
  if (canonicalJson(here) === canonicalJson(decided)) return opened;
  throw new InputError({
    what: `cannot run ${request.study}`,
    given: `the backend ${wordsOf(here)}`,
    expected: `${wordsOf(decided)}, under which the run is stored`,
    fix: 'start again: the backend is chosen anew',
  });
}

function wordsOf(backend: Record<string, string>): string {
  return Object.entries(backend)
    .map(([what, value]) => `${what} ${value}`)
    .join(', ');
}

/** What a reader must know: that a better backend could not be used, and what the backend says of itself. */
export function fallbackNotes(backend: Decision | undefined): string[] {
  if (!backend) return [];
  const { name, device, rejected, notes } = backend;
  const fallback = rejected.map(({ name: other, reason }) => `${other} could not be used (${reason})`);
  return [
    ...(fallback.length > 0 ? [`computed on ${name} (${device}): ${fallback.join('; ')}`] : []),
    ...notes,
  ];
}
