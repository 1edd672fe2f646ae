// The colours as those see them who see fewer, and in grey; and that no series rests on its colour alone.
import { describe, expect, it } from 'vitest';
import { builders, figure } from '../../src/plots/draw';
import type { JsonObject } from '../../src/plots/spec';
import {
  grey,
  kindBar,
  kindLine,
  kindMarker,
  mm,
  palette,
  planes,
  planeStyle,
  size,
  width,
} from '../../src/plots/theme';
import { paperResults } from '../../src/publish/recorded';
import { kinds } from '../../src/results/result';

type Rgb = [number, number, number];

// Machado, Oliveira, Fernandes, IEEE TVCG 15:1291-1298, 2009: severity 1.0, on linear RGB.
const sights: Record<string, number[][]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
const linear = (hex: string): Rgb =>
  [1, 3, 5].map((at) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
const seen = (rgb: Rgb, sight: number[][]): Rgb =>
  sight.map((row) =>
    Math.min(
      1,
      Math.max(
        0,
        row.reduce((sum, k, i) => sum + k * rgb[i], 0),
      ),
    ),
  ) as Rgb;
const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;
/** CIE L*a*b*, D65. */
function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (t * 24389) / 27 / 116 + 16 / 116);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(luminance([r, g, b]));
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
/** CIE 1976: 2.3 is just noticeable. */
const distance = (a: Rgb, b: Rgb): number => Math.hypot(...lab(a).map((v, i) => v - lab(b)[i]));
const contrast = (hex: string): number => 1.05 / (luminance(linear(hex)) + 0.05);
const pairs = <T>(list: readonly T[]): [T, T][] =>
  list.flatMap((a, i) => list.slice(i + 1).map((b): [T, T] => [a, b]));

/** Whether two looks can be told apart without hues: by form, or by a lightness that shows in grey (a sixth of the scale). */
function differ(a: JsonObject, b: JsonObject): boolean {
  const hex = /#[0-9a-f]{6}/gi;
  const [one, two] = [a, b].map(({ type, mode, marker, line, fill, fillpattern }) =>
    JSON.stringify({ type, mode, marker, line, fill, fillpattern }),
  );
  if (one.replace(hex, '') !== two.replace(hex, '')) return true;
  const lightness = (look: string): number[] =>
    (look.match(hex) ?? []).map((colour) => lab(linear(colour))[0]);
  const others = lightness(two);
  return lightness(one).some((l, i) => Math.abs(l - others[i]) > 100 / 6);
}

describe('colours', () => {
  it.each(Object.entries(sights))('are told apart with %s sight', (_, sight) => {
    for (const [a, b] of pairs(Object.values(palette))) {
      expect(distance(seen(linear(a), sight), seen(linear(b), sight)), `${a} ${b}`).toBeGreaterThan(10);
    }
    // The three planes are in nearly every figure: far apart.
    for (const [a, b] of pairs(planes.map((plane) => planeStyle[plane].colour))) {
      expect(distance(seen(linear(a), sight), seen(linear(b), sight)), `${a} ${b}`).toBeGreaterThan(15);
    }
  });

  it('are told apart in grey with the help of their second cue: colour alone does not do', () => {
    const cues = planes.map((plane) => `${planeStyle[plane].symbol} ${planeStyle[plane].dash}`);
    expect(new Set(cues).size).toBe(planes.length);
    expect(new Set(planes.map((plane) => planeStyle[plane].symbol)).size).toBe(planes.length);
    expect(new Set(planes.map((plane) => planeStyle[plane].dash)).size).toBe(planes.length);
  });

  it('stand out from white: text at 4.5 to 1 and more', () => {
    for (const ink of [grey.ink, grey.soft]) expect(contrast(ink)).toBeGreaterThan(4.5);
    for (const colour of Object.values(palette)) expect(contrast(colour), colour).toBeGreaterThan(2);
  });
});

describe('kinds of numbers', () => {
  it.each([
    ['line', kindLine],
    ['marker', kindMarker],
    ['bar', kindBar],
  ])('differ as a %s in form or lightness, whatever the hue', (_, style) => {
    for (const [a, b] of pairs(kinds)) {
      const [one, two] = [a, b].map((kind) => ({ marker: style(kind, palette.blue) }));
      expect(differ(one, two), `${a} and ${b}`).toBe(true);
    }
  });
});

describe('sizes', () => {
  it('are those of print: columns of 89 and 183 mm, type of 7 pt and more', () => {
    expect([width.one, width.two]).toEqual([Math.floor((89 / 25.4) * 96), Math.floor((183 / 25.4) * 96)]);
    expect(mm(25.4)).toBe(96);
    for (const pixels of Object.values(size)) expect((pixels * 72) / 96).toBeGreaterThanOrEqual(7);
  });
});

describe('every figure of the record', () => {
  const results = paperResults();
  const drawn = [...results.values()].filter((result) => result.figure).map(({ id }) => figure(id, results));

  it('comes from a builder that is there, at a print width', () => {
    expect(drawn.length).toBeGreaterThan(5);
    for (const { id, spec } of drawn) {
      expect(builders[results.get(id)!.figure!.builder], id).toBeDefined();
      expect([width.one, width.two], id).toContain(spec.layout.width);
    }
  });

  it.each(drawn.map((one) => [one.id, one.spec.data] as const))(
    '%s has a second cue for every series of its legend',
    (_id, data) => {
      const named = data.filter(
        (trace) => trace.showlegend !== false && typeof trace.name === 'string' && trace.name !== '',
      );
      const alike = pairs(named).filter(([a, b]) => a.name !== b.name && !differ(a, b));
      expect(alike.map(([a, b]) => `${a.name as string} and ${b.name as string}`)).toEqual([]);
    },
  );
});
