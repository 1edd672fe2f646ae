// A made-up claim and a made-up result, to be varied.
import { parseRegister } from '../../src/claims/register';
import type { Claim } from '../../src/claims/register';
import type { Result } from '../../src/results/result';
import { noIdentity } from '../results/made-up';

const plain = {
  id: 'speed',
  seed: 'cost',
  section: '1',
  statement: 'Walking is faster than standing.',
  published: null,
  test: { notebook: '06-strides', by: ['measured'], what: 'a ratio of two times' },
  expect: { rule: 'The ratio lies above one with its whole interval.' },
  tolerance: null,
  flip: 'A ratio below one.',
};

/** A valid claim with some fields replaced; JSON is YAML, so it goes through the parser like any row. */
export function claim(changes: Record<string, unknown> = {}): Claim {
  return parseRegister(JSON.stringify([{ ...plain, ...changes }]), 'a test')[0];
}

/** The row as it stands in a file. */
export function row(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...plain, ...changes };
}

/** A recorded measurement with some fields replaced. */
export function result(changes: Partial<Result> = {}): Result {
  return {
    id: 'walk.ratio',
    title: 'walking over standing',
    kind: 'measured',
    unit: '1',
    value: 2,
    uncertainty: { low: 1.5, high: 2.5, level: 0.95, method: 'made up', n: 10 },
    mode: 'full',
    date: '2026-01-01T00:00:00Z',
    commit: 'unknown',
    dirty: false,
    device: { cpu: 'none', cores: 1, memoryGiB: 1, platform: 'none', gpu: null, driver: null },
    versions: {},
    seed: null,
    inputs: [],
    identity: noIdentity,
    cost: { seconds: 1, memoryMB: 100 },
    notes: [],
    study: 'walk',
    origin: 'stored',
    ...changes,
  };
}

export function byId(...results: Result[]): Map<string, Result> {
  return new Map(results.map((r) => [r.id, r]));
}
