// Header cards: what is drawn is what the sources say, and every notebook has the card that is drawn for it.
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { loadRegister } from '../../src/claims/register';
import { loadManifest } from '../../src/datasets/manifest';
import type { Notebook } from '../../src/kernel/nbformat';
import { parseNotebook } from '../../src/kernel/nbformat';
import { cardOf, updateCards, withCard } from '../../src/reproduce/cards';
import type { CardSources } from '../../src/reproduce/cards';
import { provenance } from '../plots/made-up';

const made: CardSources = {
  recorded: new Map([
    ['strides', { ...provenance, cost: { seconds: 12.3, memoryMB: 954.6 } }],
    ['plane-reads', { ...provenance, cost: { seconds: 130, memoryMB: 120 } }],
  ]),
  register: loadRegister().filter((claim) => claim.test.notebook === '06-strides'),
};
const card = { question: 'What is the question?', learn: 'how to a | b', need: 'nothing at all' };

function notebook(
  coc: unknown,
  source = '# Title\n\n<!-- card -->\nold\n<!-- end of card -->\n\nProse.',
): Notebook {
  const cells = [{ cell_type: 'markdown', id: 'c01', metadata: {}, source }];
  return parseNotebook({ nbformat: 4, nbformat_minor: 5, metadata: { coc }, cells }, 'made-up.ipynb');
}

describe('a card', () => {
  it('says what was recorded: time added up, memory the most, licences and claims', () => {
    const text = cardOf('06-strides', notebook({ studies: ['strides', 'plane-reads'], card }), made);
    expect(text).toContain('| **Question** | What is the question? |');
    expect(text).toContain('| **You will know** | how to a \\| b |');
    // 12.3 s + 130 s; 954.6 MB.
    expect(text).toContain(
      '2 min 22 s, 955 MB for the recorded runs of its studies (Made-up 2.00 GHz, 2 cores; quick mode)',
    );
    const { title, licence } = loadManifest('brats2015-deepmedic');
    expect(text).toContain(`${title}: 1 file, 3.12 MB, ${licence.name}`);
    expect(text).toContain(
      `${made.register.length} of the register: section 4.3 of *The cost of consistency*`,
    );
    expect(text).toMatch(/\| \*\*Mode\*\* \| `stored` as it opens/);
  });

  it('says "expected" where a study was not recorded, and what it needs nothing of', () => {
    const text = cardOf('x', notebook({ studies: ['strides'], card }), { recorded: new Map(), register: [] });
    expect(text).toContain('13 s, 0.8 GiB expected in quick mode; not recorded yet');
    expect(text).toContain('| **Claims touched** | none of its own |');
    const tour = cardOf('x', notebook({ studies: [], card: { ...card, claims: 'all' } }), made);
    expect(tour).toContain('| **Time and memory** | seconds; nothing is run |');
    expect(tour).toContain('| **Data** | none |');
    expect(tour).toContain(`${made.register.length} of the register: `);
  });

  it('has whole seconds and megabytes, and no zeros where a run took no time', () => {
    const took = (seconds: number, memoryMB: number): string => {
      const recorded = new Map([['strides', { ...provenance, cost: { seconds, memoryMB } }]]);
      return cardOf('x', notebook({ studies: ['strides'], card }), { recorded, register: [] });
    };
    expect(took(0.04, 72.04)).toContain('**Time and memory** | less than a second, 72 MB for the recorded');
    expect(took(3.8, 845.2)).toContain('| 4 s, 845 MB for');
    expect(took(9.96, 1234)).toContain('| 10 s, 1.23 GB for');
  });

  it('takes the place between the marks, and nothing else', () => {
    const before = notebook({ studies: ['strides'], card });
    const after = withCard('06-strides', before, made);
    const { source } = after.cells[0];
    expect(source.startsWith('# Title\n\n<!-- card -->\n\n| | |\n|---|---|\n| **Question**')).toBe(true);
    expect(source.endsWith('<!-- end of card -->\n\nProse.')).toBe(true);
    expect(source).not.toContain('old');
    expect(withCard('06-strides', after, made)).toBe(after);
  });

  it('says what is missing', () => {
    const fails = (coc: unknown, source?: string): string => {
      try {
        withCard('x', notebook(coc, source), made);
      } catch (error) {
        return String(error);
      }
      return 'no error';
    };
    expect(fails({ studies: [] })).toMatch(/card of x[^]*metadata\.coc\.card[^]*write it into the metadata/);
    expect(fails({ studies: ['stridez'], card })).toMatch(/the study stridez[^]*strides/);
    expect(fails({ studies: [], card }, '# Title')).toMatch(/without the two marks[^]*put the marks in/);
  });
});

describe('the notebooks', () => {
  it('have the cards that are drawn for them (coc notebook cards)', () => {
    const stale = updateCards({ write: false }).map((file) => path.basename(file));
    expect(stale, 'run `node src/cli/coc.cjs notebook cards`').toEqual([]);
  });

  it('get a changed card back, byte for byte', () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'coc-cards-'));
    const name = readdirSync(inRepo('notebooks')).find((file) => file.startsWith('06-'))!;
    const file = path.join(dir, name);
    cpSync(inRepo('notebooks', name), file);
    const before = readFileSync(file, 'utf8');
    const planted = before.replace(/(\*\*Time and memory\*\* \| )[^;]+/, '$11 s, 1 MB');
    writeFileSync(file, planted);
    expect(updateCards({ files: [file], write: false })).toEqual([file]);
    expect(readFileSync(file, 'utf8')).toBe(planted);
    expect(updateCards({ files: [file] })).toEqual([file]);
    expect(readFileSync(file, 'utf8')).toBe(before);
    rmSync(dir, { recursive: true });
  });
});
