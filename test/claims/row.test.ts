// The columns of a claim: what stands in which, and what never stands in another's.
import { describe, expect, it } from 'vitest';
import { claimRow } from '../../src/claims/row';
import { judge } from '../../src/claims/verdict';
import type { Result } from '../../src/results/result';
import { byId, claim, result } from './fixtures';

const device = (cpu: string): Result['device'] => ({ ...result().device, cpu });
const speed = claim({
  expect: {
    rule: 'The ratio lies above one, and there are two legs.',
    all: [
      { result: 'walk.ratio', is: 'above', bound: 1 },
      { result: 'walk.legs', is: 'equals', bound: 2 },
    ],
    under: [{ condition: 'uphill', all: [{ result: 'walk.uphill', is: 'above', bound: 1 }] }],
  },
});
const legs = result({ id: 'walk.legs', title: 'legs', kind: 'derived', unit: 'legs', uncertainty: null });
const recorded = byId(
  result({ device: device('Intel(R) Xeon(R) CPU @ 2.20GHz'), commit: 'a'.repeat(40), dirty: true }),
  legs,
);

describe('claimRow', () => {
  it('keeps published, derived, measured here and recorded apart, whatever condition looks at them', () => {
    const here = byId(result({ value: 3, origin: 'fresh' }), result({ id: 'walk.uphill', value: 0.5 }));
    const row = claimRow(judge(speed, recorded), recorded, here);
    expect(row).toMatchObject({
      published: '',
      derived: '2\u202flegs',
      dryRun: '',
      measured: '3; 0.5',
      recorded: '2 (Intel Xeon 2.20 GHz)',
      verdict: 'reproduced',
    });
    expect(row.numbers.map((n) => [n.id, n.where])).toEqual([
      ['walk.ratio', 'recorded'],
      ['walk.ratio', 'here'],
      ['walk.legs', 'recorded'],
      ['walk.uphill', 'here'],
    ]);
    expect(row.numbers[0]).toMatchObject({
      text: '2',
      interval: '1.5 to 2.5 (95 %, n = 10)',
      commit: 'aaaaaaa with changes',
      date: '2026-01-01',
    });
  });

  it('lets no own run near the verdict: it is that of the record', () => {
    const here = byId(result({ value: 0.1, origin: 'fresh' }), { ...legs, value: 4 });
    const row = claimRow(judge(speed, recorded), recorded, here);
    expect(row.verdict).toBe('reproduced');
    expect(row.derived).toBe('2\u202flegs (here 4\u202flegs)');
    expect(claimRow(judge(speed, new Map()), new Map(), byId(legs)).derived).toBe(
      '2\u202flegs (not recorded)',
    );
  });

  it('says a number once, and the condition of a conditional verdict', () => {
    const two = claim({
      expect: {
        rule: 'Both of them have two legs each.',
        all: [
          { result: 'walk.legs', is: 'equals', bound: 2 },
          { result: 'walk.arms', is: 'equals', bound: 3 },
        ],
        under: [{ condition: 'sitting', all: [{ result: 'walk.legs', is: 'equals', bound: 2 }] }],
      },
    });
    const results = byId(legs, { ...legs, id: 'walk.arms' });
    const row = claimRow(judge(two, results), results);
    expect(row.derived).toBe('2\u202flegs');
    expect([row.verdict, row.condition]).toEqual(['reproduced under a condition', 'sitting']);
  });
});
