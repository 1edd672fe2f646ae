// The viewer: three planes and three lines that know of each other. What is pointed at in one is marked in all that hold
// the same voxel. It stands in a shadow root, so that no front end's styles reach in and none of ours reach out.
import { formatNumber, formatQuantity } from '../../results/format';
import { pixelAt, pixelOfSample, sampleAt, voxelAt, worldOf } from '../../results/linked-geometry';
import type { LinkedPlanes } from '../../results/linked-planes';
import { html } from './dom';
import type { Look } from './plane-view';
import { PlaneView } from './plane-view';
import { ProfileView } from './profile-view';
import type { Style, StyleSheet } from './style';
import { styleOf } from './style';
import { followGround } from './ground';
import css from './viewer.css';

type Voxel = LinkedPlanes['voxel'];

/**
 * Put a viewer into a place; the still picture in it goes once all is drawn.
 * @param place  holds an `img`
 */
export async function mount(place: HTMLElement, data: LinkedPlanes, sheet: StyleSheet): Promise<void> {
  // Two scripts of one notebook may mean the same place.
  if (place.hasAttribute('data-mounted')) return;
  place.setAttribute('data-mounted', '');
  const host = html('div');
  const root = host.attachShadow({ mode: 'open' });
  const viewer = new Viewer(data, sheet);
  await viewer.load();
  root.append(html('style', {}, css), ...viewer.parts());
  place.append(host);
  followGround(host);
  viewer.start();
  place.setAttribute('data-live', '');
}

class Viewer {
  private readonly planes: PlaneView[];
  private readonly profiles: ProfileView[];
  private readonly readout = html('dl', { class: 'readout' });
  private readonly spoken = html('p', { class: 'unseen', role: 'status' });
  private readonly look: Look = { black: 0, white: 255, mask: 0.45, prediction: '' };
  private speaking: ReturnType<typeof setTimeout> | undefined;

  private readonly style: Style;

  constructor(
    private readonly data: LinkedPlanes,
    sheet: StyleSheet,
  ) {
    const style = (this.style = styleOf(sheet));
    this.planes = data.planes.map(
      (p) =>
        new PlaneView(p, data, style, (column, row) => {
          this.mark(voxelAt(p, column, row));
          this.speak();
        }),
    );
    this.profiles = data.lines.map((line) => {
      const first = data.planes.find((p) => p.name === line.planes[0])!;
      return new ProfileView(line, data, style, (i) =>
        this.mark(voxelAt(first, ...pixelOfSample(line, 0, i))),
      );
    });
    this.setWidths();
  }

  async load(): Promise<void> {
    await Promise.all(this.planes.map((p) => p.load()));
  }

  parts(): HTMLElement[] {
    return [
      this.controls(),
      html('div', { class: 'planes' }, ...this.planes.map((p) => p.element), this.readout),
      html('div', { class: 'profiles' }, ...this.profiles.map((p) => p.element)),
      html(
        'p',
        { class: 'help' },
        'Point at a plane or a profile; near a line the mark is drawn to it. Keys: Tab to a plane or a profile, arrows step, ' +
          'with Shift ten at a time, Home goes back to the shared voxel in a plane and to the first one in a profile.',
      ),
      this.spoken,
    ];
  }

  start(): void {
    this.paint();
    this.mark(this.data.voxel);
  }

  /**
   * One scale for all planes: each is as wide as its millimetres, three or two side by side; none is much taller than the
   * viewer is wide.
   */
  private setWidths(): void {
    const { planes } = this.data;
    const mm = planes.map((p) => p.width * p.spacing[0]);
    const tallest = Math.max(...planes.map((p) => p.height * p.spacing[1]));
    const wide = Math.max(mm[0] + mm[1] + mm[2], tallest / 0.6);
    const narrow = Math.max(mm[0] + mm[1], mm[2] * 1.4, tallest / 0.9);
    this.planes.forEach((p, k) => {
      p.element.style.setProperty('--wide', `${mm[k] / wide}`);
      p.element.style.setProperty('--narrow', `${mm[k] / narrow}`);
    });
  }

  /** Mark a voxel wherever it is held. */
  private mark(voxel: Voxel): void {
    for (const p of this.planes) p.mark(pixelAt(p.plane, voxel));
    for (const p of this.profiles) {
      const plane = this.data.planes.find((other) => other.name === p.line.planes[0])!;
      const pixel = pixelAt(plane, voxel);
      p.mark(pixel && sampleAt(p.line, 0, ...pixel));
    }
    this.tell(voxel);
  }

  private tell(voxel: Voxel): void {
    const world = worldOf(this.data, voxel);
    const sides = ['RL', 'AP', 'SI'];
    const said = world.map(
      (mm, i) => `${formatNumber(Math.abs(mm), { digits: 1 })} ${sides[i][mm < 0 ? 1 : 0]}`,
    );
    const { value, label } = this.valueAt(voxel);
    const entries: [string, string][] = [
      ['Voxel', `(${voxel.join(', ')})`],
      ['Position', `${said.join(', ')} mm`],
      [this.data.window.title, value],
    ];
    if (label !== undefined) entries.push(['Label', label]);
    this.readout.replaceChildren(
      ...entries.map(([term, text]) => html('div', {}, html('dt', {}, term), html('dd', {}, text))),
    );
  }

  /** Exact on a line; elsewhere what the eight bits of the picture tell. */
  private valueAt(voxel: Voxel): { value: string; label: string | undefined } {
    const { window, labels, signals, lines } = this.data;
    const view = this.planes.find((p) => pixelAt(p.plane, voxel))!;
    const pixel = pixelAt(view.plane, voxel)!;
    const { grey, label } = view.pixel(...pixel);
    const name =
      label === undefined
        ? undefined
        : label === 0
          ? 'none'
          : (labels.find((l) => l.value === label)?.name ?? `${label}`);
    const written = (v: number, digits: number): string =>
      formatQuantity(v, window.unit || '1', { significant: digits });
    for (const line of lines) {
      const k = line.planes.indexOf(view.plane.name);
      const i = k < 0 ? undefined : sampleAt(line, k as 0 | 1, ...pixel);
      if (i === undefined) continue;
      const exact = line.profiles[signals[0].key][k][i];
      return { value: exact === null ? 'no number' : written(exact, 6), label: name };
    }
    const about = this.valueOf(grey);
    const sign = grey === 0 ? '≤' : grey === 255 ? '≥' : '≈';
    return { value: `${sign} ${written(about, 3)}`, label: name };
  }

  private valueOf(grey: number): number {
    const { black, white } = this.data.window;
    return black + (grey / 255) * (white - black);
  }

  /** For those who hear: the readout, once the mark rests. */
  private speak(): void {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      this.spoken.textContent = [...this.readout.children]
        .map((entry) => [...entry.children].map((e) => e.textContent).join(' '))
        .join(', ');
    }, 300);
  }

  private paint(): void {
    for (const p of this.planes) p.paint(this.look);
  }

  /** Which colour is which label. */
  private labelKey(): HTMLElement {
    const entries = this.data.labels.map(({ value, name }) => {
      const patch = html('i', { style: `background:rgb(${this.style.labelColour(value).join()})` });
      return html('span', {}, patch, name);
    });
    return html('span', { class: 'labels' }, ...entries);
  }

  private controls(): HTMLElement {
    const { data, look } = this;
    const { window } = data;
    const bar = html('div', { class: 'controls', role: 'group', 'aria-label': 'How it is shown' });
    const range = (
      title: string,
      min: number,
      max: number,
      value: number,
    ): [HTMLElement, HTMLInputElement] => {
      const input = html('input', { type: 'range', min, max, value });
      return [html('label', {}, title, input), input];
    };
    const [blackLabel, black] = range('Black', 0, 254, look.black);
    const [whiteLabel, white] = range('White', 1, 255, look.white);
    const said = [html('output'), html('output')];
    blackLabel.append(said[0]);
    whiteLabel.append(said[1]);
    const window_ = (moved: HTMLInputElement): void => {
      // The two may meet, not pass.
      if (Number(black.value) >= Number(white.value)) {
        if (moved === black) black.value = `${Number(white.value) - 1}`;
        else white.value = `${Number(black.value) + 1}`;
      }
      [look.black, look.white] = [Number(black.value), Number(white.value)];
      [black, white].forEach((input, i) => {
        const value = this.valueOf(Number(input.value));
        // What is nothing beside the window is written as nothing.
        const shown = Math.abs(value) < 1e-3 * (window.white - window.black) ? 0 : value;
        const text = formatQuantity(shown, window.unit || '1', { significant: 3 });
        said[i].textContent = text;
        input.setAttribute('aria-valuetext', text);
      });
      this.paint();
    };
    for (const input of [black, white]) input.addEventListener('input', () => window_(input));
    bar.append(blackLabel, whiteLabel);

    const reset = html('button', { type: 'button' }, 'Reset');
    reset.addEventListener('click', () => {
      black.value = '0';
      white.value = '255';
      window_(black);
      this.mark(data.voxel);
    });

    if (data.planes[0].maskPng) {
      const on = html('input', { type: 'checkbox', checked: '' });
      const [opacityLabel, opacity] = range('Opacity', 5, 100, 100 * look.mask);
      const change = (): void => {
        look.mask = on.checked ? Number(opacity.value) / 100 : 0;
        opacity.disabled = !on.checked;
        this.paint();
      };
      on.addEventListener('change', change);
      opacity.addEventListener('input', change);
      opacity.setAttribute('aria-label', 'Opacity of the mask');
      bar.append(html('span', {}, html('label', {}, on, 'Mask'), opacityLabel));
      if (data.labels.length > 0) bar.append(this.labelKey());
    }
    const choice = (title: string, options: [string, string][], chosen: (key: string) => void): void => {
      const select = html(
        'select',
        {},
        ...options.map(([key, text]) => html('option', { value: key }, text)),
      );
      select.addEventListener('change', () => chosen(select.value));
      bar.append(html('label', {}, title, select));
    };
    const predictions = data.signals.filter((s) => s.kind === 'prediction');
    if (predictions.length > 0) {
      choice(
        'Outline',
        [['', 'none'], ...predictions.map((s): [string, string] => [s.key, s.title])],
        (key) => {
          look.prediction = key;
          this.paint();
        },
      );
    }
    if (data.signals.length > 1) {
      choice(
        'Along the lines',
        data.signals.map((s): [string, string] => [s.key, s.title]),
        (key) => {
          for (const p of this.profiles) p.show(key);
        },
      );
    }
    bar.append(reset);
    window_(black);
    return bar;
  }
}
