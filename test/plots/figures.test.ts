// The pipeline as a whole, on made-up results.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { figure } from '../../src/plots/draw';
import type { Figure } from '../../src/plots/figure';
import { fontFile } from '../../src/plots/fonts';
import { drawSvg } from '../../src/plots/picture';
import type { JsonObject } from '../../src/plots/spec';
import type { WrittenFigure } from '../../src/plots/write-figure';
import { formats, writeFigure } from '../../src/plots/write-figure';
import { descendants, parseXml } from '../../src/plots/xml';
import { madeUpCost, madeUpPlaneReads } from './made-up';

const figures: Figure[] = [
  figure('plane-reads.figure', madeUpPlaneReads()),
  figure('cost-of-consistency', madeUpCost()),
];

let dir: string;
const written = new Map<string, WrittenFigure>();
beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-figures-'));
  for (const f of figures) written.set(f.id, await writeFigure(f, dir));
});
afterAll(() => rmSync(dir, { recursive: true }));

const read = (f: Figure, format: (typeof formats)[number]): Buffer =>
  readFileSync(written.get(f.id)!.files[format]!);

/** tEXt and iTXt entries, and the pHYs bytes, by a reader that knows nothing of ours. */
function pngChunks(png: Buffer): Map<string, Buffer[]> {
  const found = new Map<string, Buffer[]>();
  for (let at = 8; at < png.length;) {
    const size = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    found.set(type, [...(found.get(type) ?? []), png.subarray(at + 8, at + 8 + size)]);
    at += size + 12;
  }
  return found;
}

/** A PDF with the objects that it holds compressed. */
function pdfText(pdf: Buffer): string {
  let text = pdf.toString('latin1');
  for (const { index } of text.matchAll(/\/Type\s*\/ObjStm[^]*?stream\r?\n/g)) {
    const begin = pdf.indexOf('stream', index) + 'stream'.length;
    const end = pdf.indexOf('endstream', begin);
    text += inflateSync(pdf.subarray(pdf[begin] === 13 ? begin + 2 : begin + 1, end)).toString('latin1');
  }
  return text;
}

describe.each(figures.map((f) => [f.id, f] as const))('%s', (_, f) => {
  it('is written in every format', () => {
    expect(Object.keys(written.get(f.id)!.files).sort()).toEqual([...formats].sort());
    expect(written.get(f.id)!.files.svg).toMatch(/[a-z-]+\.svg$/);
  });

  it('has an SVG with text, its fonts, title, description and provenance', () => {
    const root = parseXml(read(f, 'svg').toString());
    const all = [...descendants(root)];
    const text = (name: string) =>
      all.filter((n) => n.name === name).map((n) => n.children.filter((c) => typeof c === 'string').join(''));
    expect(text('text').length).toBeGreaterThan(8);
    expect(text('title')).toEqual([f.title]);
    expect(text('desc')).toEqual([f.alt]);
    expect(JSON.parse(text('metadata')[0])).toEqual(f.stamp);
    expect(text('style')[0]).toContain("@font-face{font-family:'Source Sans 3'");
    const families = new Set(all.map((n) => n.attributes.get('font-family')).filter(Boolean));
    expect([...families]).toEqual(["'Source Sans 3', sans-serif"]);
    const sizes = all.map((n) => n.attributes.get('font-size')).filter((s) => s && !s.endsWith('%'));
    // 7 pt, the least that journals print.
    expect(Math.min(...sizes.map((s) => parseFloat(s!)))).toBeGreaterThanOrEqual(7 * (96 / 72));
    const wide = parseFloat(root.attributes.get('width')!);
    expect(wide <= 89 || (wide > 180 && wide <= 183)).toBe(true);
  });

  it('has a PNG of 300 dpi that is not blank and says where it comes from', () => {
    const file = read(f, 'png');
    const png = PNG.sync.read(file);
    expect(Math.abs(png.width - (f.spec.layout.width * 300) / 96)).toBeLessThanOrEqual(1);
    let dark = 0;
    for (let i = 0; i < png.data.length; i += 4) dark += png.data[i] < 128 ? 1 : 0;
    expect(dark / (png.width * png.height)).toBeGreaterThan(0.005);
    const chunks = pngChunks(file);
    expect(chunks.get('pHYs')![0].readUInt32BE(0)).toBe(11811);
    const entries = [...(chunks.get('tEXt') ?? []), ...(chunks.get('iTXt') ?? [])].map((b) =>
      b.toString('utf8'),
    );
    expect(entries.find((e) => e.startsWith('Title\0'))).toContain(f.title);
    expect(entries.find((e) => e.startsWith('Source\0'))).toContain(f.stamp.commits[0].commit);
  });

  it('has a PDF with its fonts embedded', () => {
    const pdf = pdfText(read(f, 'pdf'));
    expect(pdf.startsWith('%PDF-1.7')).toBe(true);
    expect(pdf).toMatch(/\/BaseFont\s*\/[A-Z]{6}\+SourceSans3-Regular/);
    const fonts = pdf.match(/\/Type\s*\/FontDescriptor/g)!.length;
    expect(fonts).toBeGreaterThan(0);
    expect(pdf.match(/\/FontFile[23]?\b/g)).toHaveLength(fonts);
    expect(pdf).not.toMatch(/CreationDate/);
  });

  it('has a page that asks nobody for anything', () => {
    const html = read(f, 'html').toString();
    const addresses = [...html.matchAll(/(?:src|href)="([^"]{1,200})/g)].map((m) => m[1]);
    expect(
      addresses.filter(
        (a) => !a.startsWith('data:') && !/^[a-z-]+\.(svg|png|pdf|json|csv)$|^plotly\.js$/.test(a),
      ),
    ).toEqual([]);
    expect(html).toContain('"showSendToCloud":false');
    expect(html).toContain('<table>');
  });

  it('has its spec and its numbers as data', () => {
    const json = JSON.parse(read(f, 'json').toString()) as { data: unknown[]; stamp: unknown };
    expect(json.stamp).toEqual(f.stamp);
    const [head, ...lines] = read(f, 'csv').toString().trimEnd().split('\r\n');
    expect(head).toBe('result,quantity,group,kind,value,unit,low,high,level,origin,mode,device,date,commit');
    expect(lines).toHaveLength(f.rows.length);
  });
});

describe('equal results', () => {
  it('give equal bytes, again and in another process with another folder, language, zone, home and fonts', async () => {
    const again = mkdtempSync(path.join(os.tmpdir(), 'coc-figures-again-'));
    const elsewhere = mkdtempSync(path.join(os.tmpdir(), 'coc-figures-elsewhere-'));
    try {
      const jobs = figures.map((f) => ({ f, want: written.get(f.id)!.sha256 }));
      for (const { f, want } of jobs) expect((await writeFigure(f, again)).sha256).toEqual(want);
      // A font of the same name in the user's folder, that lacks nearly every character: nothing may draw with it.
      const { default: subsetFont } = await import('subset-font');
      const poor = await subsetFont(readFileSync(fontFile('regular')), 'x', { targetFormat: 'sfnt' });
      for (const fonts of ['.fonts', '.local/share/fonts']) {
        mkdirSync(path.join(elsewhere, fonts), { recursive: true });
        writeFileSync(path.join(elsewhere, fonts, 'SourceSans3_400Regular.ttf'), poor);
      }
      const script = path.join(elsewhere, 'draw.cjs');
      writeFileSync(path.join(elsewhere, 'figures.json'), JSON.stringify(figures));
      writeFileSync(
        script,
        `const { writeFigure } = require(${JSON.stringify(path.resolve('dist/plots/write-figure.js'))});
        (async () => {
          const all = [];
          for (const f of require('./figures.json')) all.push((await writeFigure(f, 'out')).sha256);
          process.stdout.write(JSON.stringify(all));
        })();`,
      );
      const printed = execFileSync(process.execPath, [script], {
        cwd: elsewhere,
        env: {
          PATH: '',
          HOME: elsewhere,
          TZ: 'Pacific/Chatham',
          LANG: 'de_DE.UTF-8',
          LC_ALL: 'de_DE.UTF-8',
        },
        encoding: 'utf8',
      });
      expect(JSON.parse(printed)).toEqual(jobs.map((j) => j.want));
    } finally {
      rmSync(again, { recursive: true });
      rmSync(elsewhere, { recursive: true });
    }
  }, 60_000);
});

describe('what cannot be drawn truly', () => {
  const [f] = figures;
  const withSpec = (data: JsonObject[], layout: JsonObject = {}): Figure => ({
    ...f,
    spec: { data, layout: { ...f.spec.layout, ...layout } } as Figure['spec'],
  });

  it('is refused before anything is drawn: WebGL', async () => {
    await expect(drawSvg(withSpec([{ type: 'surface', z: [[1]] }]))).rejects.toThrow(
      'given a trace of type surface, expected one of scatter, bar',
    );
  });

  it('is refused: controls', async () => {
    await expect(drawSvg(withSpec([{ type: 'bar' }], { sliders: [{}] }))).rejects.toThrow(
      'given layout.sliders',
    );
  });

  it('is refused: what plotly does not accept', async () => {
    await expect(
      drawSvg(withSpec([{ type: 'bar', x: [1], y: [1], marker: { colour: 'red', color: '#ff0000' } }])),
    ).rejects.toThrow('key marker.colour');
  });
});
