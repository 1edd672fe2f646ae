// Slices as pictures that a result can hold.
import { PNG } from 'pngjs';
import { quantile } from '../base/interval';
import type { Volume } from '../volume/volume';

/** The values that are drawn black and white: the 1st and the 99.5th percentile of what is not background. */
export function greyWindow({ data }: Volume): [black: number, white: number] {
  const background = data[0];
  // Every seventh voxel is enough for percentiles, and takes a tenth of a second.
  const head = Float64Array.from(
    data.filter((v, i) => i % 7 === 0 && v !== background && Number.isFinite(v)),
  );
  if (head.length === 0)
    return [Number.isFinite(background) ? background - 1 : 0, Number.isFinite(background) ? background : 1];
  const [black, white] = [quantile(head, 0.01), quantile(head, 0.995)];
  return white > black ? [black, white] : [black - 1, black];
}

/** Values as greys from 0 (black and less, and what is no number) to 255 (white and more). */
export function greysOf(values: ArrayLike<number>, [black, white]: readonly [number, number]): Uint8Array {
  return Uint8Array.from(values, (v) =>
    Math.round(255 * Math.min(1, Math.max(0, (v - black) / (white - black)))),
  );
}

/** An 8-bit grey PNG in base64. */
export function greyPng(pixels: Uint8Array, width: number, height: number): string {
  const png = new PNG({ width, height });
  png.data = Buffer.from(pixels);
  return PNG.sync.write(png, { colorType: 0, inputColorType: 0, inputHasAlpha: false }).toString('base64');
}
