// The slices of Figure 1 as picture files for Typst, and what part of each is shown.
import { PNG } from 'pngjs';
import type { Slices } from '../plots/slices';

/** The picture of a slice, and its mask as a see-through layer in a colour with a full rim. */
export function sliceLayers(
  slice: Slices['planes'][number],
  colour: [number, number, number],
): { picture: Uint8Array; mask: Uint8Array } {
  const label = PNG.sync.read(Buffer.from(slice.maskPng, 'base64'));
  const { width, height } = label;
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && label.data[4 * (y * width + x)] > 0;
  const layer = new PNG({ width, height });
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue;
      const rim = !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1));
      layer.data.set([...colour, rim ? 255 : 190], 4 * (y * width + x));
    }
  }
  return { picture: Buffer.from(slice.png, 'base64'), mask: PNG.sync.write(layer) };
}

/** A square in the world's millimetres that a slice is shown in: centre from its top left corner, and side. */
export interface View {
  centre: [number, number];
  side: number;
}

/**
 * What of each slice is shown: squares of one size for all, around the head, so that the slices share a scale.
 * @param margin  mm left free around the largest head
 */
export function viewsOf(slices: Slices, margin = 6): View[] {
  const boxes = slices.planes.map((p) => {
    const { data } = PNG.sync.read(Buffer.from(p.png, 'base64'));
    const box = { left: p.width, right: 0, top: p.height, bottom: 0 };
    for (let y = 0; y < p.height; y++) {
      for (let x = 0; x < p.width; x++) {
        // Noise around a head is darker than this.
        if (data[4 * (y * p.width + x)] < 40) continue;
        box.left = Math.min(box.left, x);
        box.right = Math.max(box.right, x + 1);
        box.top = Math.min(box.top, y);
        box.bottom = Math.max(box.bottom, y + 1);
      }
    }
    if (box.left >= box.right) return { left: 0, right: p.width, top: 0, bottom: p.height };
    return box;
  });
  const sides = slices.planes.flatMap((p, i) => [
    (boxes[i].right - boxes[i].left) * p.spacing[0],
    (boxes[i].bottom - boxes[i].top) * p.spacing[1],
  ]);
  const side = Math.max(...sides) + 2 * margin;
  return slices.planes.map((p, i) => ({
    centre: [
      ((boxes[i].left + boxes[i].right) / 2) * p.spacing[0],
      ((boxes[i].top + boxes[i].bottom) / 2) * p.spacing[1],
    ],
    side,
  }));
}
