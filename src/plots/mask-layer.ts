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

/** A slice with its mask laid over it: an RGB PNG in base64. */
export function withMask(png: string, maskPng: string, colourOf: (label: number) => Colour): string {
  const picture = PNG.sync.read(Buffer.from(png, 'base64'));
  const layer = PNG.sync.read(maskLayer(maskPng, colourOf));
  for (let i = 0; i < picture.data.length; i += 4) {
    const opacity = layer.data[i + 3] / 255;
    for (let c = i; c < i + 3; c++)
      picture.data[c] = Math.round(picture.data[c] + opacity * (layer.data[c] - picture.data[c]));
  }
  return PNG.sync.write(picture, { colorType: 2 }).toString('base64');
}

/** `#0072B2` as its three bytes. */
export function rgb(colour: string): Colour {
  const byte = (at: number): number => parseInt(colour.slice(at, at + 2), 16);
  return [byte(1), byte(3), byte(5)];
}
