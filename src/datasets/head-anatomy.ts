// An invented head: which tissue lies where, in millimetres. Ellipsoids for the large parts, folded sheets for the cortex.
//
// Only + - * / and square roots are used, never Math.sin, exp or log: these four are exact to the last bit in every
// JavaScript engine, the others are not, and the same seed must give the same bytes on every machine.
import type { Random } from '../base/random';

/** Contrasts with the signal of each tissue, as a share of the brightest. */
const signals = {
  flair: {
    fat: 0.72, muscle: 0.3, bone: 0.06, marrow: 0.24, fluid: 0.09, grey: 0.56, white: 0.42, deepGrey: 0.52,
    necrosis: 0.26, oedema: 0.82, nonEnhancing: 0.68, enhancing: 0.92,
  },
  t1c: {
    fat: 0.95, muscle: 0.36, bone: 0.06, marrow: 0.45, fluid: 0.13, grey: 0.43, white: 0.58, deepGrey: 0.49,
    necrosis: 0.22, oedema: 0.38, nonEnhancing: 0.42, enhancing: 0.92,
  },
} as const; // prettier-ignore

/** The contrasts that a synthetic head can have. */
export type Contrast = keyof typeof signals;

/** BRATS 2015 label values. */
export const lesionLabels = { necrosis: 1, oedema: 2, nonEnhancing: 3, enhancing: 4 } as const;

/** A smooth random field: a sum of waves in random directions, variance about 1. */
class Waves {
  private readonly k: Float64Array;
  private readonly scale: number;

  /** @param wavelength  mean, in millimetres */
  constructor(random: Random, count: number, wavelength: number) {
    this.k = new Float64Array(4 * count);
    for (let w = 0; w < count; w++) {
      const [x, y, z] = direction(random);
      const turns = (0.75 + 0.5 * random.uniform()) / wavelength;
      this.k.set([x * turns, y * turns, z * turns, random.uniform()], 4 * w);
    }
    this.scale = 1 / Math.sqrt(count * (8 / 15));
  }

  at(x: number, y: number, z: number): number {
    const { k } = this;
    let sum = 0;
    for (let w = 0; w < k.length; w += 4) {
      let t = k[w] * x + k[w + 1] * y + k[w + 2] * z + k[w + 3];
      t -= Math.floor(t);
      // Two parabolas in place of a sine.
      sum += t < 0.5 ? 16 * t * (0.5 - t) : 16 * (t - 0.5) * (t - 1);
    }
    return sum * this.scale;
  }
}

function direction(random: Random): [number, number, number] {
  for (;;) {
    const [x, y, z] = [2 * random.uniform() - 1, 2 * random.uniform() - 1, 2 * random.uniform() - 1];
    const length = Math.sqrt(x * x + y * y + z * z);
    if (length > 0.1 && length <= 1) return [x / length, y / length, z / length];
  }
}

/** Radius in units of the ellipsoid's own: 1 on its surface. */
function radius(x: number, y: number, z: number, a: number, b: number, c: number): number {
  return Math.sqrt((x * x) / (a * a) + (y * y) / (b * b) + (z * z) / (c * c));
}

/** Millimetres inside the ellipsoid's surface (negative outside); exact to first order near the surface. */
function inside(x: number, y: number, z: number, a: number, b: number, c: number): number {
  const r = radius(x, y, z, a, b, c);
  const slope = radius(x, y, z, a * a, b * b, c * c);
  return slope === 0 ? Math.min(a, b, c) : (r * (1 - r)) / slope;
}

/** Share of a voxel on the inner side of a surface that lies `depth` mm outside its centre, over `width` mm. */
function share(depth: number, width = 1.2): number {
  const s = 0.5 + depth / width;
  return s <= 0 ? 0 : s >= 1 ? 1 : s * s * (3 - 2 * s);
}

function mix(under: number, over: number, amount: number): number {
  return under + (over - under) * amount;
}

/** One person. After `look(x, y, z)`, `signal` and `label` hold what is there. */
export class HeadAnatomy {
  /** Signal of the last point, about 0..1. */
  signal = 0;
  /** BRATS label of the last point. */
  label = 0;

  private readonly s: (typeof signals)[Contrast];
  private readonly size: number;
  private readonly folds: Waves;
  private readonly shape: Waves;
  private readonly texture: Waves;
  private readonly base: Waves;
  private readonly border: Waves;
  private readonly ventricle: number;
  private readonly yaw: [cos: number, sin: number];
  private readonly roll: [cos: number, sin: number];
  private readonly lesion?: { x: number; y: number; z: number; core: number; oedema: number };

  /** @param lesion  whether there is a tumour */
  constructor(random: Random, contrast: Contrast, lesion: boolean) {
    const anatomy = random.fork('anatomy');
    this.s = signals[contrast];
    this.size = 0.97 + 0.06 * anatomy.uniform();
    this.ventricle = 0.85 + 0.5 * anatomy.uniform();
    this.yaw = rotation(0.04 * (anatomy.uniform() - 0.5));
    this.roll = rotation(0.04 * (anatomy.uniform() - 0.5));
    this.folds = new Waves(random.fork('folds'), 14, 24);
    this.shape = new Waves(random.fork('shape'), 5, 60);
    this.texture = new Waves(random.fork('texture'), 4, 18);
    this.base = new Waves(random.fork('base'), 6, 22);
    const tumour = random.fork('tumour');
    this.border = new Waves(tumour, 8, 26);
    if (lesion) {
      const side = tumour.uniform() < 0.5 ? -1 : 1;
      this.lesion = {
        x: side * (27 + 9 * tumour.uniform()),
        y: -30 + 55 * tumour.uniform(),
        z: 12 + 16 * tumour.uniform(),
        core: 17 + 5 * tumour.uniform(),
        oedema: 31 + 7 * tumour.uniform(),
      };
    }
  }

  /**
   * Look at a point.
   * @param left      mm towards the left of the centre of the field of view
   * @param behind    mm towards the back
   * @param above     mm towards the top
   */
  look(left: number, behind: number, above: number): void {
    this.signal = 0;
    this.label = 0;
    const [cy, sy] = this.yaw;
    const [cr, sr] = this.roll;
    const x1 = (cy * left + sy * behind) / this.size;
    const y = (cy * behind - sy * left) / this.size;
    const x = cr * x1 + (sr * above) / this.size;
    const z = (cr * above) / this.size - sr * x1 + 4;

    // The outer head is longer below its middle: the neck leaves the field of view.
    const c = z > 0 ? 74 : 150;
    const wide = x * (1 - 0.0009 * y);
    if (radius(wide, y, z, 79, 99, c) > 1) return;
    const scalp = inside(wide, y, z, 79, 99, c);
    const { s } = this;
    const lump = this.shape.at(x, y, z);
    const skin = 4.5 + 0.8 * lump + (z < 0 ? -0.05 * z : 0);
    const skull = scalp - skin;
    let signal = mix(0.15, s.fat * (0.9 + 0.1 * lump), share(scalp - 1));
    signal = mix(signal, s.bone, share(skull));
    signal = mix(signal, s.marrow, share(skull - 1.8, 1.6) * share(5.2 - skull, 1.6));
    if (skull > 5) signal = this.insideSkull(x, y, z, skull - 7 + 0.5 * lump, signal);
    this.signal = signal;
  }

  /** @param cavity  mm inside the inner skull */
  private insideSkull(x: number, y: number, z: number, cavity: number, skullSignal: number): number {
    const { s } = this;
    // Below the brain lie bone, muscle and air; the brain's own fluid fills the cavity above.
    const rough = this.base.at(x, y, z);
    const below = share(-z - 40 - 0.2 * y + 4 * rough, 8);
    const soft = s.muscle * (0.75 + 0.25 * rough);
    let signal = mix(skullSignal, mix(s.fluid, soft, below), share(cavity));

    const l = this.lesion;
    let [px, py, pz] = [x, y, z];
    let fromCore = Infinity;
    if (l) {
      const [dx, dy, dz] = [x - l.x, y - l.y, z - l.z];
      const r = Math.sqrt(dx * dx + dy * dy + dz * dz);
      fromCore = r;
      if (r < 70 && r > 0) {
        // Mass effect: what is seen here lay nearer to the tumour before it grew.
        const falloff = 1 - (r * r) / 4900;
        const push = (5 * falloff * falloff * Math.min(r, 12)) / 12 / r;
        [px, py, pz] = [x - push * dx, y - push * dy, z - push * dz];
      }
    }

    const cerebrum = inside(px * (1 - 0.0016 * py), py, pz - 3, 66, 84, pz > 3 ? 60 : 44);
    if (cerebrum > -1) signal = this.cerebrum(px, py, pz, cerebrum, signal);
    else if (pz < -10) signal = this.hindbrain(px, py, pz, signal);
    if (l && fromCore < 1.6 * l.oedema) signal = this.tumour(x, y, z, px, py, pz, cerebrum, fromCore, signal);
    return signal;
  }

  /** Depth in mm below the folded surface of the cortex: the outer surface, the sulci, the fissures. */
  private pial(x: number, y: number, z: number, depth: number): number {
    const r = radius(x, y, z - 3, 66, 84, z > 3 ? 60 : 44);
    // Constant along rays from the middle, so that sulci run inwards from the surface.
    const ray = 0.82 / Math.max(r, 0.3) + 0.18;
    const field = this.folds.at(x * ray, y * ray, (z - 3) * ray);
    const toSulcus = Math.abs(field) * 3.9 * Math.min(1, r + 0.1);
    const reach = 17 + 3 * this.shape.at(y, z, x);
    const sulcus = toSulcus + Math.max(0, depth - reach) * 1.3;
    // Between the hemispheres, down to the corpus callosum.
    const callosum = radius(0, y + 2, z - 6, 1, 46, 25);
    const between = Math.abs(x + 0.6 * this.shape.at(z, y, 0)) * 1.1 + Math.max(0, 1.06 - callosum) * 40;
    // Between frontal and temporal lobe, on both sides.
    const sylvian =
      Math.abs(z + 8 - 0.22 * (y + 10)) * 0.9 +
      Math.max(0, 34 - Math.abs(x)) +
      Math.max(0, Math.abs(y + 8) - 36);
    return Math.min(depth, sulcus, between, sylvian);
  }

  private cerebrum(x: number, y: number, z: number, depth: number, outside: number): number {
    const { s } = this;
    const pial = this.pial(x, y, z, depth);
    const grain = 1 + 0.035 * this.texture.at(x, y, z);
    let signal = mix(outside, s.grey * grain, share(pial - 0.8));
    signal = mix(signal, s.white * grain, share(pial - 3.9, 1.6));
    const ax = Math.abs(x);
    const nuclei = Math.max(
      inside(ax - 10.5, y - 9, z - 4, 9, 14, 9),
      inside(ax - 26 - 0.1 * y, y + 4, z - 2, 5.5, 17, 11),
      inside(ax - 13, y + 23, z - 9, 5.5, 10, 9),
    );
    if (nuclei > -1) signal = mix(signal, s.deepGrey * grain, share(nuclei, 1.6));
    const fluid = this.ventricles(ax, y, z);
    if (fluid > -4) {
      // The thin bright lining that FLAIR shows around the ventricles.
      signal = mix(signal, s.grey * 1.05, 0.5 * share(fluid + 1.4, 2));
      signal = mix(signal, s.fluid, share(fluid));
    }
    return signal;
  }

  /** Millimetres inside the ventricles; `ax` is the distance from the midline. */
  private ventricles(ax: number, y: number, z: number): number {
    const v = this.ventricle;
    const t = (y - 4) / 42;
    const taper = Math.sqrt(Math.max(0.0001, 1 - t * t));
    const course = 7.5 + 0.3 * Math.max(0, y - 6) + 0.14 * Math.max(0, -y - 8);
    const height = 15 - 0.005 * (y + 6) * (y + 6);
    const lateral =
      Math.abs(t) < 1 ? inside(ax - course, 0, z - height, 5.2 * v * taper, 40, 7.5 * v * taper) : -9;
    const third = Math.min(1.9 * v - ax, 13 - Math.abs(y - 2), 9 - Math.abs(z - 1));
    return Math.max(lateral, third, -9);
  }

  private hindbrain(x: number, y: number, z: number, outside: number): number {
    const { s } = this;
    let signal = outside;
    const cerebellum = inside(x, y - 42, z + 44, 50, 33, 23);
    if (cerebellum > -1) {
      // Leaves: thin sheets that follow the surface.
      const leaf = this.folds.at(x * 0.5, y * 1.2, z * 4.5) * 1.1;
      const bark = Math.min(
        cerebellum,
        Math.abs(leaf) * 1.6 + Math.max(0, cerebellum - 9),
        Math.abs(x) + 12 - cerebellum,
      );
      signal = mix(signal, s.grey * 0.95, share(cerebellum));
      signal = mix(
        signal,
        s.fluid + 0.5 * (s.grey - s.fluid),
        0.6 * share(0.5 - Math.abs(leaf) * 1.6) * share(9 - cerebellum),
      );
      signal = mix(signal, s.white, share(bark - 2.6, 2.4));
    }
    const stem = inside(x, y - 13 - 0.12 * (z + 40), z + 42, 13, 12, 46);
    if (stem > -1) signal = mix(signal, s.white * 1.04, share(stem));
    const fourth = inside(x, y - 27, z + 40, 6, 4, 9);
    return fourth > -1 ? mix(signal, s.fluid, share(fourth)) : signal;
  }

  /** The tumour and its oedema, over the tissue that is there. Sets the label. */
  private tumour(
    x: number,
    y: number,
    z: number,
    px: number,
    py: number,
    pz: number,
    depth: number,
    r: number,
    under: number,
  ): number {
    // prettier-ignore
    const { s } = this;
    const l = this.lesion!;
    const ragged = this.border.at(x, y, z);
    const core = l.core * (1 + 0.16 * ragged) - r;
    const oedema = l.oedema * (1 + 0.26 * this.border.at(1.6 * y, 1.6 * z, 1.6 * x)) - r;
    if (core < -1 && oedema < -1) return under;
    const fluid = Math.max(this.ventricles(Math.abs(px), py, pz), 1 - depth);
    if (fluid > 0) return under;
    const pial = this.pial(px, py, pz, depth);
    let signal = under;
    // Oedema keeps to the white matter and fades into the cortex.
    const inWhite = share(pial - 3.4, 1.6);
    signal = mix(signal, s.oedema * (1 + 0.06 * ragged), share(oedema, 4) * inWhite * share(-fluid - 0.6));
    if (oedema > 0 && inWhite > 0.5) this.label = lesionLabels.oedema;
    if (core > -1) {
      const rim = l.core * (0.3 + 0.07 * this.border.at(2 * z, 2 * x, 2 * y));
      const solid = s.enhancing * (1 + 0.05 * this.texture.at(2 * x, 2 * y, 2 * z));
      // Where the rim is not enhancing, it is solid tumour without contrast agent.
      const dull = share(this.border.at(1.3 * z, 1.3 * y, 1.3 * x) - 0.75, 0.3);
      signal = mix(signal, mix(solid, s.nonEnhancing, dull), share(core));
      signal = mix(signal, s.necrosis, share(core - rim));
      if (core > rim) this.label = lesionLabels.necrosis;
      else if (core > 0) this.label = dull > 0.5 ? lesionLabels.nonEnhancing : lesionLabels.enhancing;
    }
    return signal;
  }
}

/** Cosine and sine of the angle whose half has tangent `t`, by division alone. */
function rotation(t: number): [cos: number, sin: number] {
  return [(1 - t * t) / (1 + t * t), (2 * t) / (1 + t * t)];
}
