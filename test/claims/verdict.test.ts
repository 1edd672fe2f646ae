import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, judgeAll, verdicts } from '../../src/claims/verdict';
import type { Result } from '../../src/results/result';
import { byId, claim, result } from './fixtures';

const above = { result: 'walk.ratio', is: 'above', bound: 1 };
const ratioAbove = claim({ expect: { rule: 'The ratio lies above one.', all: [above] } });
const span = (low: number, high: number): Partial<Result> => ({
  value: (low + high) / 2,
  uncertainty: { low, high, level: 0.95, method: 'made up', n: 10 },
});

describe('verdict of a measured ratio that should lie above 1', () => {
  it('is reproduced when the whole interval lies above, with the numbers in the reason', () => {
    const judged = judge(ratioAbove, byId(result()));
    expect(judged.verdict).toBe('reproduced');
    expect(judged.reason).toBe('Walking over standing: 2 (95 % interval 1.5 to 2.5, n = 10), above 1.');
    expect(judged.results).toEqual(['walk.ratio']);
    expect(judged.flip).toBe('A ratio below one.');
  });

  it('is not reproduced when the whole interval lies below', () => {
    const judged = judge(ratioAbove, byId(result(span(0.5, 0.75))));
    expect(judged.verdict).toBe('not reproduced');
    expect(judged.reason).toContain('0.625 (95 % interval 0.5 to 0.75, n = 10), not above 1.');
  });

  it('is not tested yet when the interval straddles the bound, and says that this is why', () => {
    const judged = judge(ratioAbove, byId(result(span(0.9, 1.3))));
    expect(judged.verdict).toBe('not tested yet');
    expect(judged.reason).toContain('which does not settle whether it is above 1');
  });

  it('takes an interval that only touches the bound from above as open, from below as failed', () => {
    expect(judge(ratioAbove, byId(result(span(1, 2)))).verdict).toBe('not tested yet');
    expect(judge(ratioAbove, byId(result(span(0.5, 1)))).verdict).toBe('not reproduced');
  });
});

describe('what sets no verdict', () => {
  it.each([
    ['a fresh result', { origin: 'fresh' }, 'was not recorded'],
    ['a published number', { kind: 'paper' }, 'is published, not found'],
    ['an assumption', { kind: 'assumed' }, 'is assumed, not found'],
    ['a measurement without interval', { uncertainty: null }, 'was measured without an interval'],
    [
      'generated data',
      { inputs: [{ name: 'synthetic head, seed 1', sha256: '0'.repeat(64) }] },
      'rests on generated data only',
    ],
  ] as [string, Partial<Result>, string][])('%s', (_, changes, reason) => {
    const judged = judge(ratioAbove, byId(result(changes)));
    expect(judged.verdict).toBe('not tested yet');
    expect(judged.reason).toBe(`The result walk.ratio ${reason}.`);
    expect(judged.results).toEqual([]);
  });

  it('a result that is not there, a table in place of a number', () => {
    expect(judge(ratioAbove, new Map()).reason).toBe('The result walk.ratio is not recorded yet.');
    const table = result({ value: undefined, table: { columns: [], rows: [] } });
    expect(judge(ratioAbove, byId(table)).reason).toBe('The result walk.ratio is no number.');
  });

  it('a row without conditions, which names the notebook instead', () => {
    const judged = judge(claim(), byId(result()));
    expect(judged.verdict).toBe('not tested yet');
    expect(judged.reason).toBe('To be tested in notebook 06-strides: a ratio of two times.');
  });

  it('real data beside generated data does set one', () => {
    const inputs = ['synthetic head, seed 1', 'brats/a.nii.gz'].map((name) => ({
      name,
      sha256: '0'.repeat(64),
    }));
    expect(judge(ratioAbove, byId(result({ inputs }))).verdict).toBe('reproduced');
  });
});

describe('the other verdicts', () => {
  const conditional = claim({
    expect: {
      rule: 'The ratio lies above three.',
      all: [{ result: 'walk.ratio', is: 'above', bound: 3 }],
      under: [{ condition: 'uphill', all: [{ result: 'walk.uphill', is: 'above', bound: 3 }] }],
    },
  });

  it('reproduced under a condition: the weaker form holds where the strong one does not', () => {
    const uphill = result({ id: 'walk.uphill', title: 'uphill', ...span(4, 5) });
    const judged = judge(conditional, byId(result(), uphill));
    expect(judged.verdict).toBe('reproduced under a condition');
    expect(judged.reason).toBe(
      'Only uphill. Uphill: 4.5 (95 % interval 4 to 5, n = 10), above 3. ' +
        'Walking over standing: 2 (95 % interval 1.5 to 2.5, n = 10), not above 3.',
    );
    expect(judged.results).toEqual(['walk.uphill', 'walk.ratio']);
  });

  it('falls back to the strong form when the condition fails as well', () => {
    const uphill = result({ id: 'walk.uphill', ...span(1, 2) });
    expect(judge(conditional, byId(result(), uphill)).verdict).toBe('not reproduced');
  });

  const wheels = claim({
    published: { value: 3, unit: 'wheels', text: ['3'] },
    tolerance: 0,
    expect: {
      rule: 'The maker gives the same number.',
      all: [
        {
          cited: { title: 'wheels as built', value: 4, unit: 'wheels', source: 'the maker, page 2' },
          is: 'equals',
          bound: 'published',
        },
      ],
    },
  });

  it('contradicted by its source: a cited fact fails', () => {
    const judged = judge(wheels, new Map());
    expect(judged.verdict).toBe('contradicted by its source');
    expect(judged.reason).toBe(
      'By citation, nothing was run. Wheels as built: 4\u202fwheels, not equal to 3 (the maker, page 2).',
    );
  });

  it('a citation beside a result is named as what it is, and holds or fails by its number', () => {
    const cited = { title: 'pace in the manual', value: 2, unit: '', source: 'the manual, page 1' };
    const both = claim({
      expect: {
        rule: 'The manual and the ratio both say more than one.',
        all: [
          { cited, is: 'above', bound: 1 },
          { result: 'walk.ratio', is: 'above', bound: 1 },
        ],
      },
    });
    expect(judge(both, byId(result())).verdict).toBe('reproduced');
    expect(judge(both, byId(result())).reason).toMatch(
      /^Pace in the manual: 2, above 1 \(the manual, page 1\)\. Walking/,
    );
    // One half alone decides nothing in favour.
    expect(judge(both, new Map()).verdict).toBe('not tested yet');
    expect(judge(both, byId(result(span(0.1, 0.2)))).verdict).toBe('not reproduced');
  });

  it('not testable here: the reason names what was tried, what settles it and the proxy', () => {
    const notTestable = { tried: 'a small card.', settles: 'a large card.', proxy: 'the dry run.' };
    const judged = judge(claim({ notTestable }), new Map());
    expect(judged.verdict).toBe('not testable here');
    expect(judged.reason).toBe(
      'Tried: a small card. What would settle it: a large card. Nearest proxy: the dry run.',
    );
  });

  it('equals takes the tolerance of the row', () => {
    const six = claim({
      published: { value: 6, unit: 'GB', text: ['6'] },
      tolerance: 0.15,
      expect: {
        rule: 'Within 15 % of the published value.',
        all: [{ result: 'walk.ratio', is: 'equals', bound: 'published' }],
      },
    });
    const derived = (value: number): Map<string, Result> =>
      byId(result({ kind: 'derived', value, unit: 'GB', uncertainty: null }));
    expect(judge(six, derived(6.8)).verdict).toBe('reproduced');
    expect(judge(six, derived(5.1)).verdict).toBe('reproduced');
    expect(judge(six, derived(14)).verdict).toBe('not reproduced');
    expect(judge(six, derived(14)).reason).toBe(
      'Walking over standing: 14\u202fGB, not between 5.1 and 6.9.',
    );
    expect(judge(six, byId(result({ unit: 'GB', ...span(5, 6) }))).verdict).toBe('not tested yet');
    const binary = judge(six, byId(result({ unit: 'GiB', ...span(5.9, 6.1) })));
    expect(binary.verdict).toBe('not tested yet');
    expect(binary.reason).toBe('The result walk.ratio is in GiB, the published value in GB.');
  });
});

describe('properties', () => {
  const ordered = fc
    .tuple(fc.double({ min: -5, max: 5, noNaN: true }), fc.double({ min: 0, max: 3, noNaN: true }))
    .map(([low, width]) => [low, low + width] as const);

  it('above and below never both hold, and what holds for an interval holds for each part of it', () => {
    const below = claim({
      expect: { rule: 'The ratio lies below one.', all: [{ ...above, is: 'below' }] },
    });
    fc.assert(
      fc.property(ordered, fc.double({ min: 0, max: 1, noNaN: true }), ([low, high], at) => {
        const up = judge(ratioAbove, byId(result(span(low, high)))).verdict;
        const down = judge(below, byId(result(span(low, high)))).verdict;
        expect([up, down]).not.toEqual(['reproduced', 'reproduced']);
        if (up === 'reproduced') {
          const part = low + at * (high - low);
          expect(judge(ratioAbove, byId(result(span(part, high)))).verdict).toBe('reproduced');
        }
      }),
    );
  });

  it('every judgement is one of the six, whatever the results, and the order of conditions does not matter', () => {
    const condition = fc.record({
      result: fc.constantFrom('walk.ratio', 'walk.uphill', 'nowhere'),
      is: fc.constantFrom('above', 'below', 'equals'),
      bound: fc.integer({ min: -3, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(condition, { minLength: 1, maxLength: 4 }), ordered, (all, [low, high]) => {
        const results = byId(result(span(low, high)), result({ id: 'walk.uphill' }));
        const rule = 'A rule made by chance.';
        const [one, other] = judgeAll(
          [claim({ expect: { rule, all } }), claim({ expect: { rule, all: [...all].reverse() } })],
          results,
        );
        expect(verdicts).toContain(one.verdict);
        expect(other.verdict).toBe(one.verdict);
      }),
    );
  });
});
