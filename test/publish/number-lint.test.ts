import fc from 'fast-check';
import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { paperSources } from '../../src/publish/sources';
import {
  lintMarkdown,
  lintNotebook,
  lintNotebooks,
  lintTypst,
  requireBoundNumbers,
} from '../../src/publish/number-lint';
import { proseOfTypst } from '../../src/publish/prose';

const typst = (source: string): string[] => lintTypst(source, 'paper/p.typ').map((l) => l.number);
const markdown = (source: string): string[] => lintMarkdown(source, 'n').map((l) => l.number);

describe('number lint of Typst prose', () => {
  it.each([
    ['It took 4.5 times as long.', ['4.5']],
    ['A mean of ½ is x² large.', ['½', '²']],
    ['Arabic-Indic ٣ counts too.', ['٣']],
    ['Costs 1,024 and 12% more.', ['1,024', '12%']],
    ['_see 7_ and *8 GB*', ['7', '8']],
    ['Raw `240x155` is seen.', ['240', '155']],
    ['#text(size: 9pt)[only 9 here]', ['9']],
    ['#figure(caption: [one of 3 bars])', ['3']],
    ['#set document(title: "About 5 things")', ['5']],
    ['#if big [has 6] else [has 7] then 8', ['6', '7', '8']],
    ['#let x = 3 \nafter 4', ['4']],
    ['#for i in range(3) [row 2] and 5', ['2', '5']],
    ['[#context counter(page).display("1/1").] Then 3.', ['3']],
    ['$r = 4$ inline', ['4']],
    ['\\#5 is escaped', ['5']],
    ['#"4.5" and #4.5 and #(2 * 3)', ['4.5', '4.5', '2', '3']],
    ['#text("4.5GB") and #strong("7")', ['4.5', '7']],
    ['#str(4.5) and #calc.round(6.2)', ['4.5', '6.2']],
    ['#let gain = 4.5\nIt is #gain.', ['4.5']],
    ['#read("numbers.txt")', ['read("numbers.txt")']],
    ['#image("a.svg", alt: "4.5GB")', ['4.5']],
  ])('finds the planted number in %j', (source, expected) => expect(typst(source)).toEqual(expected));

  it.each([
    ['twice as fast', ['twice']],
    ['three times as slow', ['three times']],
    ['a threefold rise', ['threefold']],
    ['half of the time', ['half of']],
    ['a third of the voxels', ['a third']],
    ['it doubled', ['doubled']],
    ['orders of magnitude more', ['orders of magnitude']],
    ['hundreds of scans', ['hundreds']],
    ['seven cards', ['seven']],
    ['Twelve epochs', ['Twelve']],
    ['two-thirds gone', ['two-thirds']],
  ])('judges the number word in %j', (source, expected) => expect(typst(source)).toEqual(expected));

  it.each([
    'Three planes, two losses and one network.',
    'The first, the second and another one.',
    'A 3-D U-Net beside a 2-D one, SAM 3, MedSAM-3 and an A100.',
    'Section 4.3 and Eq. 2 of the study; Table 1.',
    'Licensed CC BY 4.0 and CC BY-NC-SA 3.0; NIfTI-1; float32; SHA-256.',
    '#num("plane-reads.ratio", digits: 2) times // 4.5 in a comment',
    '/* 3 */ @fig:a1 <sec:b2> #link("https://x.org/4")[here]',
    '#set page(margin: 13.5mm)\n#show heading: set text(size: 11pt)',
    'Formula #m(`\\frac{1}{2} x^{10} + a_{12}`) and #eq(`\\sum_{i=1}^3 x_i`).',
    'See https://example.org/a//b for more.',
  ])('lets %j stand', (source) => expect(typst(source)).toEqual([]));

  it('refuses a value that hides in a formula', () => {
    expect(typst('#m(`r = 4`) and #m(`\\approx 2`) and #m(`1.5 x`) and #m(`12 x`)')).toEqual([
      '4',
      '2',
      '1.5',
      '12',
    ]);
  });

  it('names file, line and column', () => {
    const found = lintTypst('first\n\n  and 4.5 GB', 'paper/paper.typ');
    expect(found).toMatchObject([
      { file: 'paper/paper.typ', line: 3, column: 7, number: '4.5', context: 'and 4.5 GB' },
    ]);
    expect(() => requireBoundNumbers(found)).toThrow(
      /numbers in the prose are bound to no result: given \n  paper\/paper\.typ:3:7 {2}4\.5 {3}in: and 4\.5 GB\n, expected every number from a result/,
    );
    expect(() => requireBoundNumbers([])).not.toThrow();
  });

  it('keeps every character of prose in its place', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'ab1 [](){}#"`\\/*\n@<>$_.let'), maxLength: 60 }),
        (source) => {
          const { text } = proseOfTypst(source);
          expect(text.length).toBe(source.length);
          for (let i = 0; i < text.length; i++)
            expect([' ', source[i]]).toContain(text[i] === '\n' ? source[i] : text[i]);
        },
      ),
    );
  });

  it('finds a number planted between words anywhere in a paragraph', () => {
    const word = fc.constantFrom('planes', '*bold*', '#num("a.b")', '@fig:x', '#emph[so]', 'of', '#m(`x^2`)');
    fc.assert(
      fc.property(fc.array(word), fc.array(word), fc.integer({ min: 0, max: 9999 }), (before, after, n) => {
        expect(typst([...before, String(n), ...after].join(' '))).toEqual([String(n)]);
      }),
    );
  });
});

describe('number lint of Markdown', () => {
  it('finds numbers in text, headings, tables and inline code', () => {
    expect(markdown('# Part 5\n\ntext 4.5\n\n| a | 7 |\n\n`8`')).toEqual(['5', '4.5', '7', '8']);
  });
  it('passes over code, links, tags, comments, list numbers and formulas', () => {
    expect(
      markdown(
        '1. one\n2) two planes\n\n```ts\nconst a = 3;\n```\n[x](a/4.png) <img width="5"> <!-- 6 --> $x^2$ https://a.b/7',
      ),
    ).toEqual([]);
  });
  it.each([
    ['a fenced block that is no code', '```text\ntakes 4.5 GB\n```', ['4.5']],
    ['a fence without a language', '```\n7\n```', ['7']],
    ['backticks that open no fence', '```4.5 GB```\nand 5\n```ts\n9\n```', ['4.5', '5']],
    ['a title of a link', '[x](a.png "4.5 GB") and [y](<b> \'5 s\')', ['4.5', '5']],
    ['a title of a reference', '[x]: https://a.b/3 "4.5 GB"', ['4.5']],
    ['an alternative text', '![saves 4.5 GB](a4.png) <img src="a4.png" alt="5 GB" width="8">', ['4.5', '5']],
    [
      'a title, label or value of a tag',
      '<td title="4.5"> <i aria-label=\'5 s\'> <input value=6>',
      ['4.5', '5', '6'],
    ],
    ['what only looks like a tag', 'x <y 4.5 z> w', ['4.5']],
    ['a figure caption and a table cell in HTML', '<figcaption>5 s</figcaption><td>6</td>', ['5', '6']],
    ['entities', '&#52; &frac12; &half; &sup2;', ['52', '12', '&half;', '2']],
    ['a wrapped line that begins like a list', 'we saw\n1024. Then', ['1024']],
    ['a list that begins far up', '42. items', ['42']],
    ['other scripts', '４ Ⅳ ④ 𝟒 三 ٤', ['４', 'Ⅳ', '④', '𝟒', '三', '٤']],
    ['a word with emphasis in it', 'th**ree** times and _tw_ice', ['three times', 'twice']],
    ['a word with unseen characters in it', 'th\u200bree times, dou\u00adbled', ['three times', 'doubled']],
    [
      'fractions in words',
      'a quarter less, one tenth, cut in half, half again',
      ['a quarter', 'one tenth', 'in half', 'half again'],
    ],
    ['words in a formula', '$\\text{three times}$', ['three times']],
    [
      'a value in a formula in braces or bold',
      '$r = {2}$ $r = \\mathbf{3}$ $r \\approx -2$',
      ['2', '3', '2'],
    ],
    ['a factor that stands alone', '$2\\times$ and $3\\%$', ['2', '3']],
    ['a decimal in an exponent, or with a comma', '$x^{2.5}$ $4{,}5$', ['2.5', '4{,}5']],
    ['digits of other scripts in a formula', '$r = ４$', ['４']],
  ])('finds a number in %s', (_, source, expected) => expect(markdown(source)).toEqual(expected));

  it('passes over lists that count, code, and questions', () => {
    expect(
      markdown(
        '1. a\n2. b\n   1. c\n3. d\n\n```ts\nconst a = 4.5;\n```\n\nHow many times? In half precision.',
      ),
    ).toEqual([]);
  });

  it('looks into the texts of a card, into raw cells, and into what code shows as Markdown; not into the generated card', () => {
    const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'lint-')), 'n.ipynb');
    const card = '<!-- card -->\n| 4.5 GB |\n<!-- end of card -->';
    const cells = [
      { cell_type: 'markdown', source: `# Title\n\n${card}\n\nand 5` },
      { cell_type: 'markdown', source: `${card}` },
      { cell_type: 'raw', source: 'raw 6' },
      {
        cell_type: 'code',
        source: "displayBundle({ 'text/markdown': `takes 7 s, ${a[3]} of them` }); const n = 8; // 9",
      },
      { cell_type: 'code', source: 'console.log(`cache lines of ${64} bytes`);' },
    ];
    const metadata = { coc: { card: { question: 'How is it?', learn: 'why 3 of them', need: 'nothing' } } };
    writeFileSync(file, JSON.stringify({ metadata, cells }));
    const found = lintNotebook(file).map((l) => [
      l.file.replace(/^.*n\.ipynb /, ''),
      l.line,
      l.column,
      l.number,
    ]);
    expect(found).toEqual([
      ['metadata.coc.card.learn', 1, 5, '3'],
      ['cell 1', 7, 5, '5'],
      // Marks elsewhere exempt nothing.
      ['cell 2', 2, 3, '4.5'],
      ['cell 3', 1, 5, '6'],
      ['cell 4', 1, 41, '7'],
    ]);
  });

  it('finds nothing in the tracked notebooks and in the paper', () => {
    expect(lintNotebooks(inRepo('notebooks'))).toEqual([]);
    const sources = Object.entries(paperSources(inRepo('paper')));
    expect(sources.flatMap(([file, text]) => lintTypst(text, file))).toEqual([]);
  });

  it('names the cell of a notebook', () => {
    const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'lint-')), 'n.ipynb');
    const cells = [
      { cell_type: 'markdown', source: ['# Title\n', 'fine\n'] },
      { cell_type: 'code', source: 'const a = 4;' },
      { cell_type: 'markdown', source: 'so\nit is 4.5' },
    ];
    writeFileSync(file, JSON.stringify({ cells }));
    const found = lintNotebook(file);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ line: 2, column: 7, number: '4.5' });
    expect(found[0].file).toMatch(/n\.ipynb cell 3$/);
  });
});
