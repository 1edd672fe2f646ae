// The few canvas calls by which plotly paints heat maps and images, on plain pixels.
import { PNG } from 'pngjs';

interface Pixels {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** A 2-D context that fills rectangles and takes pixels; anything else that plotly might call is missing and throws. */
export class CanvasPixels {
  fillStyle = '#000';
  private pixels: Pixels | undefined;

  constructor(readonly canvas: { width: number; height: number }) {}

  createImageData(width: number, height: number): Pixels {
    return { width, height, data: new Uint8ClampedArray(width * height * 4) };
  }

  putImageData(pixels: Pixels): void {
    this.pixels = pixels;
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    const { pixels } = this;
    const target = (this.pixels = pixels ?? this.createImageData(this.canvas.width, this.canvas.height));
    const colour = rgba(this.fillStyle);
    const right = Math.min(target.width, Math.round(x + width));
    const bottom = Math.min(target.height, Math.round(y + height));
    for (let row = Math.max(0, Math.round(y)); row < bottom; row++) {
      for (let column = Math.max(0, Math.round(x)); column < right; column++) {
        target.data.set(colour, 4 * (row * target.width + column));
      }
    }
  }

  /** The picture as a PNG data address. */
  toDataURL(): string {
    const pixels = this.pixels ?? this.createImageData(this.canvas.width, this.canvas.height);
    const png = new PNG({ width: pixels.width, height: pixels.height });
    png.data.set(pixels.data);
    return `data:image/png;base64,${PNG.sync.write(png).toString('base64')}`;
  }
}

/** `rgb(1, 2, 3)` or `rgba(1, 2, 3, 0.5)` as four bytes: what plotly writes into `fillStyle`. */
function rgba(colour: string): [number, number, number, number] {
  const parts = /^rgba?\(([^)]*)\)$/
    .exec(colour)?.[1]
    .split(/[\s,/]+/)
    .map(Number);
  if (!parts || parts.some(Number.isNaN)) throw new Error(`canvas colour ${colour} is not handled`);
  return [parts[0], parts[1], parts[2], Math.round(255 * (parts[3] ?? 1))];
}
