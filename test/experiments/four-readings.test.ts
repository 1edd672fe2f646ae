// Every reading side by side: differences have a sign, units are brought together, and what is missing says why.
import { describe, expect, it } from 'vitest';
import { fourReadings } from '../../src/experiments/four-readings';
import type { Result } from '../../src/results/result';

const result = (id: string, value: number, unit: string): [string, Result] => [
  id,
  { id, value, unit, study: id.split('.')[0] } as Result,
];
const published = [result('paper.vram-one-view', 6, 'GB'), result('paper.vram-three-views', 18, 'GB')];
const rowOf = (results: [string, Result][], what: RegExp) =>
  fourReadings(new Map([...published, ...results])).rows.find((row) => what.test(String(row.what)))!;

describe('four readings', () => {
  it('differ from what is published by a signed number of gigabytes', () => {
    const found = [
      result('activation-stacking.dry-run.per-plane-recompute-lean-chunked.1', 1.9, 'GB'),
      result('activation-stacking.dry-run.per-plane-recompute-lean-chunked.3', 2, 'GB'),
      result('activation-stacking.dry-run.tape.1', 66, 'GB'),
    ];
    const least = rowOf(found, /every technique/);
    expect(least).toMatchObject({ one: 1.9, three: 2, threeLess: -16 });
    expect(least.oneLess).toBeCloseTo(-4.1);
    expect(rowOf(found, /plain tape/)).toMatchObject({ one: 66, oneLess: 60, three: null, threeLess: null });
  });

  it('are in one unit', () => {
    const { three } = rowOf([result('executed-step.inside.ours-three', 4, 'GiB')], /card allocator/);
    expect(three).toBeCloseTo(4.294967296);
  });

  it('say why there is no number: out of memory, not recorded, not run', () => {
    const failed = [
      result('executed-step.fits.torch-three', 0, '1'),
      result('executed-step.resident.torch-three', 20, 'GiB'),
    ];
    const row = rowOf(failed, /float32, really run/);
    expect(row).toMatchObject({ one: null, three: null });
    expect(row.cause).toContain('one view: not recorded; three views: ran out of memory under its limit');
    expect(rowOf([], /blocks computed again/).cause).toContain('one view: not run');
  });

  it('have the driver without a number, and the reason, until there is a record of a card', () => {
    const driver = (results: [string, Result][]) => rowOf(results, /on a card, ours/);
    expect(driver([])).toMatchObject({ reading: 'driver', one: null, three: null });
    expect(driver([]).cause).toContain('no card was at hand');
    expect(driver([result('card-suite-rehearsal.memory', 1, '1')]).cause).toContain('no card was at hand');
    expect(driver([result('card-suite-t4.memory', 1, '1')]).cause).toContain('its own tables');
  });
});
