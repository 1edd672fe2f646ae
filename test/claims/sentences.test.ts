import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadRegister } from '../../src/claims/register';
import type { SeedTexts, SentenceIndex } from '../../src/claims/sentences';
import {
  checkIndex,
  checkSentences,
  indexText,
  loadIndex,
  loadSeeds,
  rebuildIndex,
  saveIndex,
} from '../../src/claims/sentences';
import { numbersIn, signalsIn } from '../../src/claims/signals';
import { hashOf, normalise, sentencesOf, splitSource } from '../../src/claims/split';
import { describeWith } from '../setup/peers';
import { claim } from './fixtures';

/** A made-up document with every form the splitter knows. */
const document = [
  'ON WALKING: A STUDY OF LEGS',
  '',
  'A. Walker & B. Runner',
  '',
  'ABSTRACT',
  '',
  'We walk. Dogs (e.g., those of Dr. C. Smith et al.) walk with us',
  '',
  'every day.',
  '',
  '1 METHOD',
  '',
  'Gait in Dogs. A dog has 4 legs (Smith et al., 2021) and weighs 3.5 kg. It is faster than SAM-3!',
  '',
  '- **Front:** two legs.',
  '- **Back:** the rest',
  '',
  '$$v = s / t \\tag{1}$$',
  '',
  'Table 1: Legs',
  '',
  'ANIMAL\tLEGS',
  'Dog\t4',
  '',
  'REFERENCES',
  '',
  '- C. Smith. Dogs. Zoo, 3(1):5–9, 2021.',
].join('\n');

describe('splitSource', () => {
  it('cuts headings, run-in headings, lists, tables, equations, references and broken lines', () => {
    const cut = splitSource(document).map((u) => `${u.n} ${u.kind} [${u.section}] ${u.text}`);
    expect(cut).toEqual([
      '1 heading [title] ON WALKING: A STUDY OF LEGS',
      '2 metadata [title] A. Walker & B. Runner',
      '3 heading [abstract] ABSTRACT',
      '4 sentence [abstract] We walk.',
      '5 sentence [abstract] Dogs (e.g., those of Dr. C. Smith et al.) walk with us every day.',
      '6 heading [1] 1 METHOD',
      '7 heading [1] Gait in Dogs.',
      '8 sentence [1] A dog has 4 legs (Smith et al., 2021) and weighs 3.5 kg.',
      '9 sentence [1] It is faster than SAM-3!',
      '10 sentence [1] Front: two legs.',
      '11 sentence [1] Back: the rest',
      '12 equation [1] $$v = s / t \\tag{1}$$',
      '13 caption [table 1] Table 1: Legs',
      '14 heading [table 1] ANIMAL | LEGS',
      '15 table-row [table 1] Dog | 4',
      '16 heading [references] REFERENCES',
      '17 reference [references] C. Smith. Dogs. Zoo, 3(1):5–9, 2021.',
    ]);
  });

  it('cuts front matter and Markdown headings', () => {
    const text = [
      '---',
      'title: Better Legs',
      'tags:',
      '- dogs',
      'core: They run. They',
      '  jump.',
      '---',
      '',
      '# Better Legs',
      '## Facts',
      '- **Source URL**: https://example.org/1',
      '**Next**:',
      '1. Run it again',
    ].join('\n');
    expect(splitSource(text).map((u) => `${u.kind} [${u.section}] ${u.text}`)).toEqual([
      'metadata [title] title: Better Legs',
      'metadata [title] tags: dogs',
      'sentence [title] They run.',
      'sentence [title] They jump.',
      'heading [title] Better Legs',
      'heading [facts] Facts',
      'metadata [facts] Source URL: https://example.org/1',
      'heading [facts] Next',
      'sentence [facts] Run it again',
    ]);
  });

  it('hashes what a reader sees: emphasis, line ends and width of spaces do not matter, words do', () => {
    expect(hashOf('A **dog**\u00a0 walks.')).toBe(hashOf('A dog walks.'));
    expect(hashOf('A dog walks.')).not.toBe(hashOf('A dog runs.'));
    expect(splitSource(document.replaceAll('\n', '\r\n'))).toEqual(splitSource(document));
  });

  it('loses and adds no word, for any prose', () => {
    const word = fc.constantFrom(
      'Dogs',
      'walk',
      'e.g.',
      '4.5x',
      '(SAM-3)',
      'Dr.',
      'end.',
      '“Why?”',
      'A.',
      '10',
      'so!',
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
        const prose = words.join(' ');
        expect(sentencesOf(prose).join(' ')).toBe(prose);
      }),
    );
  });

  it('numbers without gap and gives equal text equal hashes, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const units = splitSource(text.replace(/^---/, ''));
        expect(units.map((u) => u.n)).toEqual(units.map((_, i) => i + 1));
        for (const u of units) {
          expect(u.text).toBe(normalise(u.text));
          expect(u.hash).toMatch(/^[0-9a-f]{16}$/);
        }
      }),
    );
  });
});

describe('signalsIn', () => {
  it.each([
    ['upsampling of 240×155 to $1024$', ['240', '155', '1024']],
    ['a factor of 4.5x on 16GB cards, ~650M, 3-View', ['4.5', '16', '650', '3']],
    ['1–2 NVIDIA A100 (80GB)', ['1', '2', '80']],
    ['MedSAM-3, T4, ViT-H and 3D U-Nets in 2D', []],
    ['shown by others (Chen et al., 2020) in Table 1 and Eq. 2', []],
    ['4.1 THE PROBLEM of 2509.13846 at https://a.b/3, a1@b.c', []],
  ])('finds the numbers of: %s', (text, numbers) => {
    expect(numbersIn(text)).toEqual(numbers);
  });

  it.each([
    ['three planes', { numberWord: true }],
    ['it is faster than that', { comparison: true }],
    ['this necessitates more', { comparison: true, cause: true }],
    ['it fails because it rains', { comparison: true, cause: true }],
    ['a parameter-efficient tag', {}],
    ['a comparison of legs', {}],
  ])('finds number words, comparisons and causes in: %s', (text, found) => {
    const none = { numbers: [], numberWord: false, comparison: false, cause: false };
    expect(signalsIn(text)).toEqual({ ...none, ...found });
  });
});

/** Two made-up documents, a register and an index that agree. */
const texts: SeedTexts = {
  cost: '1 LEGS\n\nA dog has 4 legs. Dogs are animals.',
  cva: '# Cats\n\nCats are faster.',
};
const register = [
  claim({ id: 'legs', published: { value: 4, unit: 'legs', text: ['4 legs'] }, tolerance: 0 }),
  claim({ id: 'cats', seed: 'cva', section: 'title' }),
];
const mapped = (): SentenceIndex => {
  const index = rebuildIndex(texts);
  index.cost[0].reason = 'heading';
  index.cost[1].claims = ['legs'];
  index.cost[2].reason = 'background';
  index.cva[0].reason = 'heading';
  index.cva[1].claims = ['cats'];
  return index;
};

describe('checkSentences', () => {
  const problems = (change: (index: SentenceIndex) => void, seeds = texts, claims = register): string[] => {
    const index = mapped();
    change(index);
    return checkSentences(seeds, index, claims);
  };

  it('finds nothing where documents, index and register agree', () => {
    expect(problems(() => undefined)).toEqual([]);
  });

  it('finds a sentence that the index lacks', () => {
    expect(problems((i) => i.cost.pop())).toEqual(['cost 3: is missing in the index']);
  });

  it('finds a sentence that the document no longer has', () => {
    const shorter = { ...texts, cost: '1 LEGS\n\nA dog has 4 legs.' };
    expect(problems(() => undefined, shorter)).toEqual(['cost: the index has 3 sentences, the document 2']);
  });

  it('finds a changed sentence, and tells no text of it', () => {
    const changed = { ...texts, cva: '# Cats\n\nCats are slower.' };
    const found = problems(() => undefined, changed);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(
      /^cva 2: the sentence has changed or moved \(hash [0-9a-f]{16}, in the index [0-9a-f]{16}\)$/,
    );
  });

  it('finds a number, a comparison, and a reason that does not fit the form', () => {
    const only = (message: string, change: (i: SentenceIndex) => void): void => {
      const found = problems(change).filter((p) => !p.endsWith('has no sentence'));
      expect(found).toEqual([message]);
    };
    only('cost 2: has a number (4) and so needs a claim, not the reason background', (i) => {
      i.cost[1] = { n: 2, hash: i.cost[1].hash, reason: 'background' };
    });
    only('cva 2: has a comparison and so needs a claim, not the reason definition', (i) => {
      i.cva[1] = { n: 2, hash: i.cva[1].hash, reason: 'definition' };
    });
    only('cost 3: the reason heading does not fit what it is by place and form (sentence)', (i) => {
      i.cost[2].reason = 'heading';
    });
    only('cost 3: the reason citation does not fit what it is by place and form (sentence)', (i) => {
      i.cost[2].reason = 'citation';
    });
  });

  it('finds a number that none of the claims publishes, a wording no sentence has, a wrong section', () => {
    const legs = (published: object, section = '1'): ReturnType<typeof claim>[] => [
      claim({ id: 'legs', section, published, tolerance: null }),
      register[1],
    ];
    expect(problems(() => undefined, texts, legs({ text: ['A dog'] }))).toEqual([
      'cost 2: the number 4 is in the published wording of none of its claims',
    ]);
    expect(problems(() => undefined, texts, legs({ text: ['4 legs', '5 tails'] }))).toEqual([
      'cost: legs publishes "5 tails", which none of its sentences has',
    ]);
    expect(problems(() => undefined, texts, legs({ text: ['4 legs'] }, '7'))).toEqual([
      'cost: legs says section 7, its sentences are in 1',
    ]);
  });
});

describe('checkIndex', () => {
  const problems = (change: (index: SentenceIndex) => void): string[] => {
    const index = mapped();
    change(index);
    return checkIndex(index, register);
  };

  it('finds gaps, open sentences, unknown claims, claims of the other document, and claims without sentence', () => {
    expect(problems(() => undefined)).toEqual([]);
    expect(problems((i) => (i.cost[2].n = 7))).toEqual([
      'cost 7: stands in place 3; the numbers have a gap or a repeat',
    ]);
    expect(problems((i) => delete i.cost[2].reason)).toEqual([
      'cost 3: is not mapped yet (no claims, no reason)',
    ]);
    expect(problems((i) => (i.cost[1].claims = ['legs', 'wings']))).toEqual([
      'cost 2: names the claim wings, which the register has not for cost',
    ]);
    expect(problems((i) => (i.cva[1].claims = ['legs']))).toEqual([
      'cva 2: names the claim legs, which the register has not for cva',
      'cva: the claim cats has no sentence',
    ]);
    expect(problems((i) => (i.cost[1].claims = ['legs', 'legs']))).toContain('cost 2: names legs twice');
  });
});

describe('rebuildIndex', () => {
  it('keeps by hash what was mapped, wherever it moved, and leaves new sentences open', () => {
    const moved = { ...texts, cost: '1 LEGS\n\nHorses are new. A dog has 4 legs. Dogs are animals.' };
    const built = rebuildIndex(moved, mapped());
    expect(built.cost.map(({ n, claims, reason }) => [n, claims?.[0] ?? reason])).toEqual([
      [1, 'heading'],
      [2, undefined],
      [3, 'legs'],
      [4, 'background'],
    ]);
    expect(checkSentences(moved, built, register)).toEqual([
      'cost 2: is not mapped yet (no claims, no reason)',
    ]);
  });

  it('is written and read back unchanged', () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'coc-index-'));
    try {
      const file = path.join(dir, 'sentences.yaml');
      saveIndex(mapped(), file);
      expect(loadIndex(file)).toEqual(mapped());
      writeFileSync(file, indexText(mapped()).replace('reason: heading', 'reason: boring'));
      expect(() => loadIndex(file)).toThrow('cost.0.reason');
      expect(() => loadIndex(path.join(dir, 'none.yaml'))).toThrow('no such file');
      expect(() => loadSeeds(dir)).toThrow('given no file cost-of-consistency.txt');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe('paper/sentences.yaml', () => {
  it('is sound by itself: numbers without gap, legal reasons, every claim exists and has a sentence', () => {
    expect(checkIndex(loadIndex(), loadRegister())).toEqual([]);
  });
});

describeWith('seeds', 'paper/sentences.yaml against the source documents', () => {
  const seeds = (): SeedTexts => loadSeeds(process.env.COC_SEEDS!);

  it('is complete and exact, sentence by sentence', () => {
    expect(checkSentences(seeds(), loadIndex(), loadRegister())).toEqual([]);
  });

  it('is what a rebuild gives, byte for byte', () => {
    expect(indexText(rebuildIndex(seeds(), loadIndex()))).toBe(indexText(loadIndex()));
  });

  it('counts in the text of the study what the register cites from it', () => {
    const cost = splitSource(seeds().cost);
    const all = cost.map((u) => u.text).join('\n');
    const cited = (id: string): number =>
      loadRegister()
        .find((c) => c.id === id)!
        .expect.all!.find((c) => c.cited)!.cited!.value;
    const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;
    expect(count(all, /\b(?:Dice|DSC|IoU|Jaccard|HD95|Hausdorff|NSD|accuracy|accuracies|F1)\b/gi)).toBe(
      cited('gap-demonstrated'),
    );
    const rows = cost.filter((u) => u.kind === 'table-row').map((u) => u.text);
    expect(rows.length).toBeGreaterThan(2);
    const measures = /\b(?:hours?|minutes?|seconds?|ms|days?|FLOPs?|epochs?|Dice|accuracy)\b/i;
    expect(rows.filter((row) => measures.test(row))).toHaveLength(cited('iteration-economy-quantified'));
    const loss = cost.filter((u) => u.kind === 'equation' && u.text.includes('tag{2}')).map((u) => u.text);
    expect(loss).toHaveLength(1);
    // A loss with negatives has a logarithm or a temperature, a margin, or a term that is taken away.
    expect(count(loss[0], /\\log|\\exp|\\tau|\\max|neg/g)).toBe(cited('contrastive-name'));
    const recipe = [
      'positive pairs',
      'projector|projection head',
      'negative (?:pairs|samples)',
      'temperature',
    ];
    expect(recipe.filter((part) => new RegExp(part, 'i').test(all))).toHaveLength(
      cited('contrastive-lineage'),
    );
  });

  it('is in our own words: no text of the register shares eight words in a row with a document', () => {
    const words = (text: string): string[] => text.toLowerCase().match(/[\w.×-]+/g) ?? [];
    const runs = (text: string): string[] =>
      words(text).flatMap((_, i, all) => (i + 8 <= all.length ? [all.slice(i, i + 8).join(' ')] : []));
    const theirs = new Set(Object.values(seeds()).flatMap(runs));
    const ours = loadRegister().flatMap((c) => [
      c.statement,
      c.flip,
      c.expect.rule,
      c.test.what,
      c.note ?? '',
      ...(c.evidence ?? []).map((e) => e.fact),
      ...Object.values(c.notTestable ?? {}),
    ]);
    expect(ours.flatMap(runs).filter((run) => theirs.has(run))).toEqual([]);
  });

  it('notices a letter changed anywhere', () => {
    const [texts, index, register] = [seeds(), loadIndex(), loadRegister()];
    const letters = [...texts.cost.matchAll(/[a-z]/g)].map((m) => Number(m.index));
    fc.assert(
      fc.property(fc.constantFrom(...letters), (at) => {
        const other = texts.cost[at] === 'q' ? 'z' : 'q';
        const cost = texts.cost.slice(0, at) + other + texts.cost.slice(at + 1);
        const found = checkSentences({ ...texts, cost }, index, register);
        expect(found.some((p) => p.includes('has changed or moved'))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
