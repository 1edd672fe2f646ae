// A mask as a see-through layer over its slice: coloured inside, with a full rim so that it is seen on any grey.
import { PNG } from 'pngjs';

type Colour = readonly [number, number, number];

/** Opacity inside a label, of 255. */
const inner = 190;

/**
 * The layer of a mask.
 * @param maskPng   PNG in base64; black is background
 * @param colourOf  the colour of a label value (the grey of the mask)
 * @returns an RGBA PNG
 */
export function maskLayer(maskPng: string, colourOf: (label: number) => Colour): Buffer {
  const mask = PNG.sync.read(Buffer.from(maskPng, 'base64'));
  const { width, height } = mask;
  const labelAt = (x: number, y: number): number =>
    x >= 0 && y >= 0 && x < width && y < height ? mask.data[4 * (y * width + x)] : 0;
  const layer = new PNG({ width, height });
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const label = labelAt(x, y);
      if (label === 0) continue;
      const within = [labelAt(x - 1, y), labelAt(x + 1, y), labelAt(x, y - 1), labelAt(x, y + 1)];
      const rim = within.some((other) => other !== label);
      layer.data.set([...colourOf(label), rim ? 255 : inner], 4 * (y * width + x));
    }
  }
  return PNG.sync.write(layer);
}

/** `#0072B2` as its three bytes. */
export function rgb(colour: string): Colour {
  const byte = (at: number): number => parseInt(colour.slice(at, at + 2), 16);
  return [byte(1), byte(3), byte(5)];
}
