// One plane in the viewer: picture, mask, lines of the other planes, letters, the mark.
import { sampleAt } from '../../results/linked-geometry';
import type { LinkedPlane, LinkedPlanes } from '../../results/linked-planes';
import { greysOf, html, svg } from './dom';
import type { Style } from './style';
import { dashArray } from './style';

/** How the planes are shown. */
export interface Look {
  /** Greys of the stored picture that are drawn black and white. */
  black: number;
  white: number;
  /** 0: the mask is not shown; 1: nothing is seen through it. */
  mask: number;
  /** The prediction whose outline (0.5 and more) is drawn. */
  prediction: string;
}

/** Pixels of the screen within which the pointer is drawn to a line. */
const reach = 7;

export class PlaneView {
  readonly element: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly stage: HTMLElement;
  private readonly marker = html('div', { class: 'mark', hidden: '' });
  private greys = new Uint8Array();
  private labels: Uint8Array | undefined;
  private readonly predictions = new Map<string, Uint8Array>();
  private at: [number, number];

  /** @param select  is called with the pixel that the reader points at */
  constructor(
    readonly plane: LinkedPlane,
    private readonly data: LinkedPlanes,
    private readonly style: Style,
    private readonly select: (column: number, row: number) => void,
  ) {
    const { width, height, spacing, edges, name } = plane;
    const { title } = style.planes[name];
    this.at = plane.crosshair;
    this.canvas = html('canvas', { width, height, role: 'img', 'aria-label': this.alt() });
    const letter = (text: string, where: string): HTMLElement => html('b', { style: where }, text);
    this.stage = html(
      'div',
      {
        class: 'stage',
        tabindex: 0,
        role: 'application',
        'aria-label': `${title} plane: arrow keys move the mark`,
        style: `aspect-ratio:${width * spacing[0]}/${height * spacing[1]}`,
      },
      this.canvas,
      this.lines(),
      letter(edges.left, 'left:4px;top:60%'),
      letter(edges.right, 'right:4px;top:60%'),
      letter(edges.top, 'top:4px;left:60%'),
      letter(edges.bottom, 'bottom:4px;left:60%'),
      this.marker,
    );
    this.element = html(
      'div',
      { class: 'plane' },
      html('p', { class: 'head' }, html('strong', {}, title), ' ', html('span', {}, `${width} × ${height}`)),
      this.stage,
    );
    this.stage.addEventListener('pointermove', (event) => this.point(event));
    this.stage.addEventListener('pointerdown', (event) => this.point(event));
    this.stage.addEventListener('keydown', (event) => this.step(event));
  }

  async load(): Promise<void> {
    const { png, maskPng, predictions } = this.plane;
    this.greys = await greysOf(png);
    if (maskPng) this.labels = await greysOf(maskPng);
    for (const [key, value] of Object.entries(predictions ?? {}))
      this.predictions.set(key, await greysOf(value));
  }

  /** The grey (0 to 255) and the label value of a pixel. */
  pixel(column: number, row: number): { grey: number; label: number | undefined } {
    const i = row * this.plane.width + column;
    return { grey: this.greys[i], label: this.labels?.[i] };
  }

  paint({ black, white, mask, prediction }: Look): void {
    const { width, height } = this.plane;
    const { greys, labels } = this;
    const predicted = this.predictions.get(prediction);
    const context = this.canvas.getContext('2d')!;
    const image = context.createImageData(width, height);
    const colours = new Map(this.data.labels.map((l) => [l.value, this.style.labelColour(l.value)]));
    for (let i = 0; i < greys.length; i++) {
      const grey = (255 * (greys[i] - black)) / (white - black);
      const label = labels?.[i] ?? 0;
      const [colour, opacity] =
        predicted && this.isRim(predicted, i)
          ? [this.style.prediction, 1]
          : label > 0
            ? [colours.get(label) ?? this.style.labelColour(label), mask]
            : [undefined, 0];
      for (let c = 0; c < 3; c++)
        image.data[4 * i + c] = colour
          ? grey + opacity * (colour[c] - Math.min(255, Math.max(0, grey)))
          : grey;
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  /** Put the mark on a pixel, or take it away. */
  mark(place: [number, number] | undefined): void {
    this.marker.toggleAttribute('hidden', !place);
    if (!place) return;
    this.at = place;
    const { width, height } = this.plane;
    this.marker.style.left = `${(100 * (place[0] + 0.5)) / width}%`;
    this.marker.style.top = `${(100 * (place[1] + 0.5)) / height}%`;
  }

  private isRim(values: Uint8Array, i: number): boolean {
    const { width } = this.plane;
    const inside = (k: number): boolean => values[k] >= 128;
    return inside(i) && !(inside(i - 1) && inside(i + 1) && inside(i - width) && inside(i + width));
  }

  /** The lines in which the other planes meet this one, in the colours and dashes of those. */
  private lines(): SVGElement {
    const { width, height, spacing, name } = this.plane;
    const drawing = svg('svg', {
      viewBox: `0 0 ${width * spacing[0]} ${height * spacing[1]}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    });
    for (const line of this.data.lines) {
      const k = line.planes.indexOf(name);
      if (k < 0) continue;
      const { column, row, dColumn } = line.places[k];
      const across = dColumn !== 0;
      const [x, y] = [(column + 0.5) * spacing[0], (row + 0.5) * spacing[1]];
      const d = across ? `M0 ${y}H${width * spacing[0]}` : `M${x} 0V${height * spacing[1]}`;
      const other = line.planes[1 - k];
      const common = { d, fill: 'none', 'vector-effect': 'non-scaling-stroke' };
      drawing.append(
        svg('path', { ...common, stroke: '#000', 'stroke-opacity': 0.45, 'stroke-width': 3 }),
        svg('path', {
          ...common,
          stroke: this.style.planes[other].colour,
          'stroke-width': 1.6,
          'stroke-dasharray': dashArray(this.style.planes[other].dash),
        }),
      );
    }
    return drawing;
  }

  private point(event: PointerEvent): void {
    const box = this.stage.getBoundingClientRect();
    const { width, height } = this.plane;
    const x = ((event.clientX - box.left) / box.width) * width;
    const y = ((event.clientY - box.top) / box.height) * height;
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    this.select(...this.drawnToLines(x, y, reach * (width / box.width), reach * (height / box.height)));
  }

  /** The pixel at (x, y), or the nearest one on a line that is within reach. */
  private drawnToLines(x: number, y: number, reachX: number, reachY: number): [number, number] {
    let [column, row] = [Math.floor(x), Math.floor(y)];
    for (const line of this.data.lines) {
      const k = line.planes.indexOf(this.plane.name);
      if (k < 0) continue;
      const place = line.places[k];
      if (place.dColumn === 0 && Math.abs(x - place.column - 0.5) <= reachX) column = place.column;
      if (place.dRow === 0 && Math.abs(y - place.row - 0.5) <= reachY) row = place.row;
    }
    return [column, row];
  }

  private step(event: KeyboardEvent): void {
    const by = event.shiftKey ? 10 : 1;
    const steps: Record<string, [number, number] | undefined> = {
      ArrowLeft: [-by, 0],
      ArrowRight: [by, 0],
      ArrowUp: [0, -by],
      ArrowDown: [0, by],
    };
    const to = event.key === 'Home' ? this.plane.crosshair : steps[event.key]?.map((s, i) => this.at[i] + s);
    if (!to) return;
    event.preventDefault();
    event.stopPropagation();
    const { width, height } = this.plane;
    const within = (v: number, n: number): number => Math.min(n - 1, Math.max(0, v));
    this.select(within(to[0], width), within(to[1], height));
  }

  private alt(): string {
    const { plane, data } = this;
    const { edges } = plane;
    const along = data.lines.filter((l) => l.planes.includes(plane.name));
    const others = along.map((l) => l.planes.find((n) => n !== plane.name)).join(' and the ');
    const shared = along.every((l) => {
      const k = l.planes.indexOf(plane.name) as 0 | 1;
      return sampleAt(l, k, ...plane.crosshair) !== undefined;
    });
    return (
      `${this.style.planes[plane.name].title} slice of ${data.source.title}; left edge ${edges.left}, top edge ${edges.top}. ` +
      `It is cut by the ${others} plane${shared ? `, which cross at column ${plane.crosshair[0]}, row ${plane.crosshair[1]}` : ''}.`
    );
  }
}
