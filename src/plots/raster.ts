// SVG to PNG: drawn by resvg with our fonts only, with the resolution and the provenance written into the file.
import { crc32 } from 'node:zlib';
import { Resvg } from '@resvg/resvg-js';
import { faces, fontFamily, fontFile } from './fonts';

/**
 * Draw an SVG.
 * @param svg   canonical SVG
 * @param dpi   pixels an inch on paper: 300 for print, 192 for a screen (2 pixels for each of CSS)
 * @param text  keyword -> text, written into the file (tEXt, or iTXt where it is not Latin-1)
 * @returns a PNG; equal arguments give equal bytes
 */
export function renderPng(svg: string, dpi: number, text: Record<string, string> = {}): Buffer {
  const image = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: dpi / 96 },
    font: { loadSystemFonts: false, fontFiles: faces.map(fontFile), defaultFontFamily: fontFamily },
    background: '#ffffff',
  });
  const perMetre = Buffer.alloc(9);
  perMetre.writeUInt32BE(Math.round(dpi / 0.0254), 0);
  perMetre.writeUInt32BE(Math.round(dpi / 0.0254), 4);
  perMetre[8] = 1;
  return insertChunks(image.render().asPng(), [
    chunk('pHYs', perMetre),
    ...Object.entries(text).map(([keyword, value]) => textChunk(keyword, value)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

function textChunk(keyword: string, value: string): Buffer {
  if (/^[\x00-\xff]*$/.test(value)) return chunk('tEXt', Buffer.from(`${keyword}\0${value}`, 'latin1'));
  // Keyword, no compression, no language, no translated keyword, UTF-8.
  return chunk(
    'iTXt',
    Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(value, 'utf8')]),
  );
}

/** Put chunks right after the header (8 bytes of signature, 25 of IHDR). */
function insertChunks(png: Buffer, chunks: Buffer[]): Buffer {
  const afterHeader = 33;
  return Buffer.concat([png.subarray(0, afterHeader), ...chunks, png.subarray(afterHeader)]);
}
