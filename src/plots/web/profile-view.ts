// One shared line in the viewer: what either plane holds along it, their difference, and the labels.
import { differenceAlong, sharedSample } from '../../results/linked-geometry';
import type { LinkedLine, LinkedPlanes } from '../../results/linked-planes';
import { formatNumber } from '../../results/format';
import { html, svg } from './dom';
import type { Style } from './style';
import { dashArray } from './style';

const opposite = { R: 'L', L: 'R', A: 'P', P: 'A', S: 'I', I: 'S' } as const;
const directions = { R: 'right', L: 'left', A: 'front', P: 'back', S: 'head', I: 'feet' } as const;

/** Pixels: the profile, the difference below it, two bands for the labels, the axis. */
const size = { left: 40, right: 6, top: 6, profile: 104, gap: 18, difference: 34, band: 5, axis: 20 };

type Values = (number | null)[];

/** Stretches of one label, background left out. */
function runsOf(values: Values): { value: number; from: number; to: number }[] {
  const runs: { value: number; from: number; to: number }[] = [];
  values.forEach((value, i) => {
    const last = runs.at(-1);
    if (last?.value === value && last.to === i - 1) last.to = i;
    else if (value) runs.push({ value, from: i, to: i });
  });
  return runs;
}

/** Four digits are what a reader can use; all of them are in the JSON. */
export const short = (value: number): string => formatNumber(value, { significant: 4 });

export class ProfileView {
  readonly element: HTMLElement;
  private readonly slider: HTMLElement;
  private readonly values = html('p', { class: 'values' });
  private drawing = svg('svg');
  private signal: LinkedPlanes['signals'][number];
  private at: number;
  private marked = false;
  private width = 0;

  /** @param select  is called with the sample that the reader points at */
  constructor(
    readonly line: LinkedLine,
    private readonly data: LinkedPlanes,
    private readonly style: Style,
    private readonly select: (sample: number) => void,
  ) {
    this.signal = data.signals[0];
    this.at = sharedSample(data, line);
    const [a, b] = line.planes.map((name) => style.planes[name].title);
    const from = opposite[line.towards];
    this.slider = html('div', {
      class: 'profile',
      tabindex: 0,
      role: 'slider',
      'aria-label': `Line in which the ${a.toLowerCase()} and the ${b.toLowerCase()} plane meet, from ${directions[from]} to ${directions[line.towards]}`,
      'aria-valuemin': 0,
      'aria-valuemax': line.count - 1,
      'aria-valuenow': this.at,
    });
    this.element = html(
      'div',
      {},
      html(
        'p',
        { class: 'head' },
        html('strong', {}, `${a} and ${b.toLowerCase()}`),
        ` meet, ${from} to ${line.towards}`,
      ),
      this.values,
      this.slider,
    );
    const point = (event: PointerEvent): void => {
      const box = this.slider.getBoundingClientRect();
      const share = (event.clientX - box.left - size.left) / (box.width - size.left - size.right);
      this.select(this.within(Math.floor(share * line.count)));
    };
    this.slider.addEventListener('pointermove', point);
    this.slider.addEventListener('pointerdown', point);
    this.slider.addEventListener('keydown', (event) => this.step(event));
    this.slider.addEventListener('focus', () => this.select(this.at));
    new ResizeObserver(() => this.draw()).observe(this.slider);
  }

  /** Show what is known along the line under this key. */
  show(key: string): void {
    this.signal = this.data.signals.find((s) => s.key === key)!;
    this.width = 0;
    this.draw();
    this.tell();
  }

  /** Mark a sample, or take the mark away. */
  mark(sample: number | undefined): void {
    this.marked = sample !== undefined;
    if (sample !== undefined) this.at = sample;
    this.tell();
    this.drawMark();
  }

  private within(i: number): number {
    return Math.min(this.line.count - 1, Math.max(0, i));
  }

  private pair(): [Values, Values] {
    return this.line.profiles[this.signal.key];
  }

  /** In words what lies at the mark. */
  private tell(): void {
    const [a, b] = this.pair();
    const said = (value: number | null): string => (value === null ? 'no number' : short(value));
    const names = this.line.planes.map((n) => this.style.planes[n].title);
    const gap = differenceAlong(this.line, this.signal.key)[this.at];
    const labels = this.line.labels?.map((values) => this.labelName(values[this.at]));
    const word =
      labels === undefined ? '' : labels[0] === labels[1] ? labels[0] : `${labels[0]} against ${labels[1]}`;
    const mm = formatNumber(this.position(this.at), { digits: 1 });
    this.slider.setAttribute('aria-valuenow', `${this.at}`);
    this.slider.setAttribute(
      'aria-valuetext',
      `${mm} mm from the shared voxel; ${names[0]} ${said(a[this.at])}, ${names[1].toLowerCase()} ${said(b[this.at])}${word && `; ${word}`}`,
    );
    this.values.replaceChildren(
      this.keyOf(0),
      `${names[0]} ${this.marked ? said(a[this.at]) : ''} `,
      this.keyOf(1),
      `${names[1].toLowerCase()} ${this.marked ? said(b[this.at]) : ''} `,
      html('br'),
      this.marked
        ? `at ${mm} mm: difference ${gap === null ? 'none' : gap === 0 ? '0' : short(gap)}${word && `; ${word}`}`
        : 'the mark is beside this line',
    );
  }

  private labelName(value: number | null): string {
    if (value === null || value === 0) return 'no label';
    return this.data.labels.find((l) => l.value === value)?.name ?? `label ${value}`;
  }

  /** Millimetres from the shared voxel. */
  private position(sample: number): number {
    return (sample - sharedSample(this.data, this.line)) * this.line.spacing;
  }

  private x(sample: number): number {
    const { left, right } = size;
    return left + ((sample + 0.5) / this.line.count) * (this.width - left - right);
  }

  /** Draw anew, where the width has changed. */
  private draw(): void {
    const width = Math.round(this.slider.clientWidth);
    if (width === this.width || width === 0) return;
    this.width = width;
    const { line, data, style } = this;
    const bands = line.labels ? 2 * size.band + 6 : 0;
    const height = size.top + size.profile + size.gap + size.difference + bands + size.axis;
    this.drawing = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' });

    const [a, b] = this.pair();
    const known = [...a, ...b].filter((v): v is number => v !== null);
    const range: [number, number] =
      this.signal.kind === 'prediction' ? [0, 1] : [Math.min(...known, 0), Math.max(...known, 0)];
    this.panel(
      size.top,
      size.profile,
      range,
      [a, b].map((values, k) => ({ values, ...this.stroke(k) })),
    );

    const gaps = differenceAlong(line, this.signal.key);
    const largest = gaps.reduce<number>((most, d) => Math.max(most, Math.abs(d ?? 0)), 0);
    const top = size.top + size.profile + size.gap;
    this.panel(
      top,
      size.difference,
      [-largest, largest],
      [{ values: gaps, stroke: 'var(--ink)', 'stroke-width': 1 }],
    );
    const [p, q] = line.planes;
    // Short: a third of a narrow cell is all the room there is.
    const torn = a.some((v, i) => (v === null) !== (b[i] === null));
    const same = torn ? 'one holds no number in places' : 'no difference, bit for bit';
    const sum = largest === 0 ? same : `${q} − ${p}, up to ${short(largest)}`;
    this.drawing.append(svg('text', { x: size.left + 4, y: top - 4 }, sum));

    line.labels?.forEach((values, k) => {
      const y = top + size.difference + 4 + k * (size.band + 1);
      const half = (this.x(1) - this.x(0)) / 2;
      for (const { value, from, to } of runsOf(values)) {
        const [r, g, blue] = style.labelColour(value);
        const x = this.x(from) - half;
        const width = this.x(to) + half - x;
        this.drawing.append(svg('rect', { x, y, width, height: size.band, fill: `rgb(${r},${g},${blue})` }));
      }
    });
    this.axis(height, data);
    this.slider.replaceChildren(this.drawing);
    this.drawMark();
  }

  private stroke(k: number): Record<string, string | number> {
    const { colour, dash } = this.style.planes[this.line.planes[k]];
    return k === 0
      ? { stroke: colour, 'stroke-width': 4, class: 'broad' }
      : { stroke: colour, 'stroke-width': 1.6, 'stroke-dasharray': dashArray(dash) };
  }

  /** How a plane's profile is drawn, as a short piece of it. */
  private keyOf(k: number): SVGElement {
    return svg(
      'svg',
      { class: 'key', 'aria-hidden': 'true' },
      svg('path', { d: 'M0 5H26', ...this.stroke(k) }),
    );
  }

  /** Curves in a panel, with ticks at the ends of its range. */
  private panel(
    top: number,
    height: number,
    [low, high]: [number, number],
    curves: ({ values: Values } & Record<string, unknown>)[],
  ): void {
    const y = (v: number): number => top + height - ((v - low) / (high - low || 1)) * height;
    const end = this.width - size.right;
    const rule = { stroke: 'var(--rule)', 'stroke-width': 1 };
    this.drawing.append(
      svg('path', { d: `M${size.left} ${top}V${top + height}H${end}`, fill: 'none', ...rule }),
    );
    if (low < 0 && high > 0) this.drawing.append(svg('path', { d: `M${size.left} ${y(0)}H${end}`, ...rule }));
    for (const v of new Set(high > low ? [low, high] : [0])) {
      const at = { x: size.left - 4, y: y(v) + (v === high ? 9 : 0), 'text-anchor': 'end' };
      // What is nothing beside the range is written as nothing.
      const shown = Math.abs(v) < 1e-3 * (high - low) ? 0 : v;
      this.drawing.append(svg('text', at, formatNumber(shown, { significant: 2 })));
    }
    for (const { values, ...stroke } of curves) {
      let d = '';
      values.forEach((v, i) => {
        if (v !== null)
          d += `${d === '' || values[i - 1] === null ? 'M' : 'L'}${this.x(i).toFixed(2)} ${y(v).toFixed(2)}`;
      });
      this.drawing.append(svg('path', { d, fill: 'none', ...(stroke as Record<string, string>) }));
    }
  }

  private axis(height: number, data: LinkedPlanes): void {
    const { line } = this;
    const shared = sharedSample(data, line);
    const y = height - 4;
    const text = (x: number, anchor: string, words: string): void =>
      this.drawing.append(svg('text', { x, y, 'text-anchor': anchor }, words));
    text(size.left, 'start', opposite[line.towards]);
    text(this.width - size.right, 'end', line.towards);
    text(this.x(shared), 'middle', 'shared voxel');
    const d = `M${this.x(shared)} ${size.top}V${height - size.axis}`;
    this.drawing.append(svg('path', { d, stroke: 'var(--soft)', 'stroke-dasharray': '3 3' }));
  }

  private drawMark(): void {
    this.drawing.querySelector('.at')?.remove();
    if (!this.marked || this.width === 0) return;
    const x = this.x(this.at);
    const d = `M${x} ${size.top}V${size.top + size.profile + size.gap + size.difference}`;
    this.drawing.append(
      svg('g', { class: 'at' }, svg('path', { d, stroke: 'var(--ink)', 'stroke-width': 1.5 })),
    );
  }

  private step(event: KeyboardEvent): void {
    const by = event.shiftKey ? 10 : 1;
    const steps: Record<string, number | undefined> = {
      ArrowRight: this.at + by,
      ArrowUp: this.at + by,
      ArrowLeft: this.at - by,
      ArrowDown: this.at - by,
      PageUp: this.at + 10,
      PageDown: this.at - 10,
      Home: 0,
      End: this.line.count - 1,
    };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.select(this.within(to));
  }
}
