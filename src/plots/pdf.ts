// SVG to PDF by Typst: text stays text, the fonts are ours and embedded.
import path from 'node:path';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import { faces, fontFile } from './fonts';

let compiler: NodeCompiler | undefined;

/** What a PDF says about itself. */
interface PdfCard {
  title: string;
  alt: string;
  keywords: string[];
  widthMm: number;
  heightMm: number;
}

/**
 * A PDF of one page, exactly as large as the picture.
 * @param svg  canonical SVG
 * @returns the file; equal arguments give equal bytes (no time of writing is in it)
 * @throws Error with Typst's own words when it cannot set the page
 */
export function renderPdf(svg: string, card: PdfCard): Buffer {
  compiler ??= NodeCompiler.create({
    // Nothing is read from a disk but the fonts: the picture is handed over in memory.
    workspace: path.dirname(fontFile('regular')),
    fontArgs: [{ fontPaths: faces.map((face) => path.dirname(fontFile(face))) }],
  });
  const picture = path.join(path.dirname(fontFile('regular')), 'figure.svg');
  compiler.mapShadow(picture, Buffer.from(svg));
  const text = (value: string): string => JSON.stringify(value);
  const result = compiler.compile({
    mainFileContent: [
      `#set document(title: ${text(card.title)}, keywords: (${card.keywords.map((k) => `${text(k)},`).join('')}), date: none)`,
      `#set page(width: ${card.widthMm}mm, height: ${card.heightMm}mm, margin: 0pt)`,
      `#set text(font: "Source Sans 3", fallback: false)`,
      `#image("figure.svg", width: 100%, alt: ${text(card.alt)})`,
    ].join('\n'),
    resetRead: true,
  });
  if (!result.result) {
    const error = result.takeError();
    throw new Error(
      `Typst cannot set the figure: ${JSON.stringify(error?.shortDiagnostics ?? 'no reason given')}`,
    );
  }
  return compiler.pdf(result.result, { creationTimestamp: 0 });
}
