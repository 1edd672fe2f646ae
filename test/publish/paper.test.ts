import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { inRepo } from '../../src/base/paths';
import { drawFigureOne } from '../../src/publish/figure-one';
import { boundNumber } from '../../src/publish/bound';
import type { PaperOutput } from '../../src/publish/paper';
import { buildPaper } from '../../src/publish/paper';
import { describeWith } from '../setup/peers';
import { drawn, madeUpClaims, madeUpResults, number } from './made-up';

const temporary = (): string => mkdtempSync(path.join(os.tmpdir(), 'paper-'));
const build = (change: Partial<Parameters<typeof buildPaper>[0]> = {}): Promise<PaperOutput> =>
  buildPaper({
    results: madeUpResults(),
    judged: madeUpClaims(),
    draw: () => Promise.resolve(drawn),
    out: temporary(),
    ...change,
  });

/** A copy of paper/ whose paper.typ is changed. */
function changedPaper(change: (text: string) => string): string {
  const dir = path.join(temporary(), 'paper');
  cpSync(inRepo('paper'), dir, { recursive: true });
  const file = path.join(dir, 'paper.typ');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  return dir;
}

let output: PaperOutput;
let html: string;
beforeAll(async () => {
  output = await build();
  html = readFileSync(output.html, 'utf8');
});

describe('the paper', () => {
  it('has the length of a journal paper with its register', () => {
    expect(output.pages).toBeGreaterThanOrEqual(3);
    // It grows with its results, a section an issue.
    expect(output.pages).toBeLessThanOrEqual(18);
  });

  it('has the same bytes twice, whatever the clock says', async () => {
    const again = await build();
    expect(readFileSync(again.pdf).equals(readFileSync(output.pdf))).toBe(true);
    expect(readFileSync(again.html, 'utf8')).toBe(html);
  });

  it('is a tagged PDF/UA-1 with embedded fonts and the date of the newest result', () => {
    const pdf = readFileSync(output.pdf, 'latin1');
    expect(pdf).toMatch(/^%PDF-1\.7/);
    expect(pdf).toContain('/Marked true');
    expect(pdf).toContain('pdfuaid:part>1<');
    expect(pdf).toContain('D:20261101120000');
    for (const font of ['LibertinusSerif', 'SourceSans3', 'STIXTwoMath', 'SourceCodePro'])
      expect(pdf).toContain(font);
  });

  it('follows a changed result, in the PDF and on the page', async () => {
    const results = madeUpResults();
    results.set('plane-reads.ratio.sagittal', number('plane-reads.ratio.sagittal', 3.25, '1', 0.5));
    const changed = await build({ results });
    expect(readFileSync(changed.pdf).equals(readFileSync(output.pdf))).toBe(false);
    expect(readFileSync(changed.html, 'utf8')).toContain('<data value="3.25">3.25</data>');
    expect(html).not.toContain('>3.25<');
  });
});

describe('the sources', () => {
  it('lose no semicolon: Typst takes one that follows a call as the end of the call', () => {
    const text = readFileSync(inRepo('paper', 'paper.typ'), 'utf8');
    const prose = text.split('\n').filter((line) => !/^\s*#?(?:let|set|show)\b/.test(line));
    for (const line of prose) expect(line).not.toMatch(/#[a-z-]+\([^()]*\);/);
  });
});

describe('errors of the build', () => {
  it('names the id that no result has and the line that asks for it', async () => {
    const results = madeUpResults();
    results.delete('plane-reads.runs.coronal');
    const line = readFileSync(inRepo('paper', 'paper.typ'), 'utf8')
      .split('\n')
      .findIndex((l) => l.includes('"plane-reads.runs.coronal"'));
    await expect(build({ results })).rejects.toThrow(
      new RegExp(
        `cannot typeset paper/paper\\.typ:${line + 1}:\\d+: given there is no number with the id plane-reads\\.runs\\.coronal`,
      ),
    );
  });

  it('names a figure that is missing', async () => {
    const results = madeUpResults();
    results.delete('plane-reads.figure');
    await expect(build({ results })).rejects.toThrow(/there is no figure with the id plane-reads\.figure/);
  });

  it('says what is missing for Figure 1', async () => {
    const results = madeUpResults();
    results.delete('three-planes.slices');
    await expect(build({ results })).rejects.toThrow(
      /cannot draw Figure 1: given no result three-planes\.slices/,
    );
  });

  it('refuses slices of another size than they say', async () => {
    const results = madeUpResults();
    const slices = structuredClone(results.get('three-planes.slices')!);
    (slices.figure!.data as { planes: { width: number }[] }).planes[0].width = 100;
    results.set(slices.id, slices);
    await expect(build({ results })).rejects.toThrow(
      /given axial png of 240 x 240 pixels, expected 100 x 240 pixels/,
    );
  });

  it('refuses a planted number', async () => {
    const paperDir = changedPaper((text) =>
      text.replace('= The question', '= The question\n\nIt is 4.5 times slower.\n'),
    );
    await expect(build({ paperDir })).rejects.toThrow(
      /paper\/paper\.typ:\d+:7 {2}4\.5 {3}in: It is 4\.5 times slower\./,
    );
  });

  it('refuses a broken reference and an unknown citation', async () => {
    const broken = changedPaper((text) => text.replace('@fig:architecture', '@fig:nowhere'));
    await expect(build({ paperDir: broken })).rejects.toThrow(/label `<fig:nowhere>` does not exist/);
  });

  it('refuses TeX that it cannot set, with its line', async () => {
    const paperDir = changedPaper((text) => text.replace('#m(`v`)', '#m(`\\frac{v`)'));
    await expect(build({ paperDir })).rejects.toThrow(
      /cannot set the formula in paper\/paper\.typ:\d+: given \\frac\{v/,
    );
  });
});

describe('Figure 1', () => {
  it('is 183 mm wide at 300 dots an inch and the same twice', async () => {
    const [one, two] = await Promise.all([drawFigureOne(madeUpResults()), drawFigureOne(madeUpResults())]);
    expect(one.svg).toBe(two.svg);
    expect(Buffer.from(one.png).equals(Buffer.from(two.png))).toBe(true);
    expect(Buffer.from(one.pdf).equals(Buffer.from(two.pdf))).toBe(true);
    const { width, data } = PNG.sync.read(Buffer.from(one.png));
    expect(Math.abs(width - (183 / 25.4) * 300)).toBeLessThan(2);
    // All colours of the planes are in it.
    for (const [r, g, b] of [
      [0, 114, 178],
      [230, 159, 0],
      [0, 158, 115],
    ]) {
      let found = 0;
      for (let i = 0; i < data.length; i += 4)
        if (data[i] === r && data[i + 1] === g && data[i + 2] === b) found++;
      expect(found).toBeGreaterThan(200);
    }
  });
});

describe('the web page', () => {
  it('binds each number to its source', () => {
    expect(html).toMatch(
      /<a class="num" href="#number-plane-reads\.ratio\.sagittal" title="measured; study plane-reads; Made-up CPU; 2026-11-01"><data value="14\.44">14\.4<\/data><\/a>/,
    );
    const used = new Set([...html.matchAll(/href="#(number-[\w.-]+)"/g)].map((m) => m[1]));
    expect(used.size).toBeGreaterThan(15);
    for (const id of used) expect(html).toContain(`<tr id="${id}">`);
  });

  it('has its formulas as MathML, its picture for every figure, and asks no server', () => {
    expect(html).not.toContain('data-tex');
    expect(html.match(/<math /g)!.length).toBeGreaterThanOrEqual(8);
    for (const img of html.matchAll(/<img[^>]*>/g)) expect(img[0]).toMatch(/alt="[^"]{20,}"/);
    expect(html).not.toMatch(/(?:src|href|url)\s*[=(]\s*"?https?:\/\/(?!openreview|arxiv)/);
  });

  it('has a row for each claim', () => {
    for (const { claim } of madeUpClaims()) expect(html).toContain(`id="claim-${claim.id}"`);
  });
});

describeWith('pdftotext', 'the PDF as a reader sees it', () => {
  it('has the numbers and the sections as text', () => {
    const text = execFileSync('pdftotext', [output.pdf, '-'], { encoding: 'utf8' });
    expect(text).toContain('The cost of consistency, re-measured');
    expect(text.replace(/\s+/g, ' ')).toContain(
      'a sagittal slice takes 14.4 times as long to read as the axial one (95% CI',
    );
    for (const heading of [
      'The question',
      'How we judge',
      'Limits',
      'References',
      'The register of claims',
    ]) {
      expect(text).toContain(heading);
    }
    // No character without a glyph.
    expect(text).not.toMatch(/[\uFFFD\0]/);
  });
});

describe('a bound number', () => {
  const made = (value: number): ReturnType<typeof boundNumber> => {
    const result = number('eggs.views', value, 'views');
    if (result.value === undefined) throw new Error('not a number');
    return boundNumber({ ...result, value: result.value });
  };

  it('has the unit that its written form asks for', () => {
    expect(made(1).units.auto).toBe('view');
    expect(made(3).units.auto).toBe('views');
    // Rounded to 1, but not one.
    expect(made(1.04)).toMatchObject({ units: { auto: 'views', 0: 'view', 2: 'views' } });
  });
});
