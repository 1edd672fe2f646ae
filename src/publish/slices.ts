// What part of each slice Figure 1 shows.
import { PNG } from 'pngjs';
import type { Slices } from '../plots/slices';

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
