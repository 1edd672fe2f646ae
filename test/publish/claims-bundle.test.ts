// The tables of claims that a notebook shows.
import { describe, expect, it } from 'vitest';
import { claimRow } from '../../src/claims/row';
import { judge } from '../../src/claims/verdict';
import { claimsBundle, publishedBundle } from '../../src/publish/claims-bundle';
import { byId, claim, result } from '../claims/fixtures';

const speed = claim({
  statement: 'Walking <b> is faster than standing & sitting.',
  expect: { rule: 'The ratio lies above one.', all: [{ result: 'walk.ratio', is: 'above', bound: 1 }] },
});
const legs = claim({ id: 'legs', published: { value: 2, unit: 'legs', text: ['two'] }, tolerance: 0 });

describe('claimsBundle', () => {
  const recorded = byId(result());
  const here = byId(result({ value: 3, origin: 'fresh' }));
  const bundle = claimsBundle(
    [speed, legs].map((c) => claimRow(judge(c, recorded), recorded, here)),
    'Some claims',
  );
  const html = bundle['text/html'] as string;

  it('has a head for every column and a row for every claim, the open ones too', () => {
    expect([...html.matchAll(/<th scope="col">([^<]*)/g)].map((m) => m[1])).toEqual([
      'Claim',
      'Published',
      'Derived',
      'Dry run',
      'Measured here',
      'Recorded',
      'Verdict',
    ]);
    const rows = [...html.matchAll(/<tr><th scope="row">.*<\/tr>/g)].map(([row]) =>
      [...row.matchAll(/<td>(.*?)<\/td>/g)].map((m) => m[1]),
    );
    expect(rows[0].slice(0, 5)).toEqual(['–', '–', '–', '3', '2 (none)']);
    expect(rows[1].slice(0, 5)).toEqual(['2\u202flegs', '–', '–', '–', '–']);
    expect(rows[1][5]).toContain('<span class="v">not tested yet</span>');
    // The reason has the width of the table, under its row.
    expect(html.match(/<tr class="m"><td colspan="7">/g)).toHaveLength(2);
    expect(html).toContain('<b>What would flip it:</b> A ratio below one.');
    expect(html).toContain('Walking &lt;b&gt; is faster than standing &amp; sitting.');
  });

  it('says the same as text', () => {
    expect(bundle['text/plain']).toContain(
      'published: – | derived: – | dry run: – | measured here: 3 | recorded: 2 (none)',
    );
    expect(bundle['text/plain']).toContain('What would flip it: A ratio below one.');
  });
});

describe('publishedBundle', () => {
  it('gives number, wording and place', () => {
    const bundle = publishedBundle([speed, legs], 'Legs & more');
    expect(bundle['text/html']).toContain('<caption>Legs &amp; more</caption>');
    expect(bundle['text/html']).toContain(
      '<td>2\u202flegs</td><td>“two”</td><td>The cost of consistency, section 1</td>',
    );
    expect(bundle['text/plain']).toContain('standing. 2\u202flegs, in its words “two”');
  });
});
