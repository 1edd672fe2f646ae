// An invented head: which tissue lies where, in millimetres. Ellipsoids for the large parts, folded sheets for the cortex.
//
// Only + - * / and square roots are used, never Math.sin, exp or log: these four are exact to the last bit in every
// JavaScript engine, the others are not, and the same seed must give the same bytes on every machine.
import type { Random } from '../base/random';

/** Contrasts with the signal of each tissue, as a share of the brightest. */
const signals = {
  flair: {
    fat: 0.72, muscle: 0.3, bone: 0.06, marrow: 0.24, fluid: 0.09, grey: 0.58, white: 0.41, deepGrey: 0.52,
    necrosis: 0.26, oedema: 0.8, nonEnhancing: 0.66, enhancing: 0.74,
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

/** A row of voxels to be filled, along the left-right axis. */
export interface Row {
  /** Where the row lies: mm behind and above the centre of the field of view. */
  behind: number;
  above: number;
  /** Millimetres between voxels, and how many there are. */
  step: number;
  count: number;
  /** Index of its first voxel in the arrays. */
  first: number;
}

/** One person. */
export class HeadAnatomy {
  /** BRATS label of the point in hand. */
  private label = 0;

  private readonly s: (typeof signals)[Contrast];
  private readonly size: number;
  private readonly folds: Waves;
  private readonly shape: Waves;
  private readonly texture: Waves;
  private readonly base: Waves;
  private readonly border: Waves;
  private readonly ventricle: number;
  private readonly yaw: Rotation;
  private readonly roll: Rotation;
  private pialDepth = 0;
  private fluidDepth = 0;
  private readonly lesion?: { x: number; y: number; z: number; core: number; oedema: number };

  /** @param lesion  whether there is a tumour */
  constructor(random: Random, contrast: Contrast, lesion: boolean) {
    const anatomy = random.fork('anatomy');
    this.s = signals[contrast];
    this.size = 0.97 + 0.06 * anatomy.uniform();
    this.ventricle = 0.85 + 0.5 * anatomy.uniform();
    this.yaw = rotation(0.04 * (anatomy.uniform() - 0.5));
    this.roll = rotation(0.04 * (anatomy.uniform() - 0.5));
    this.folds = new Waves(random.fork('folds'), 10, 23);
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

  /** Half the width of the head and a little more, in mm from the middle of a row; 0 where the row holds only air. */
  private static halfWidth(behind: number, above: number): number {
    const room = 1 - behind * behind * 8.2e-5 - (above > 0 ? above * above * 1.4e-4 : 0);
    return room > 0 ? Math.sqrt(room / 1.18e-4) : 0;
  }

  /**
   * Fill a row: signal about 0..1, BRATS labels. Air stays as it is.
   *
   * A row at a time, not a point: numbers that are handed from function to function cost an allocation each.
   */
  paint({ behind, above, step, count, first }: Row, signals: Float32Array, labels: Uint8Array): void {
    const { s, size, yaw, roll } = this;
    const middle = (count - 1) / 2;
    const width = HeadAnatomy.halfWidth(behind, above) / step;
    const last = Math.min(count - 1, Math.floor(middle + width));
    for (let h = Math.max(0, Math.ceil(middle - width)); h <= last; h++) {
      const left = (h - middle) * step;
      const x1 = (yaw.cos * left + yaw.sin * behind) / size;
      const y = (yaw.cos * behind - yaw.sin * left) / size;
      const x = roll.cos * x1 + (roll.sin * above) / size;
      const z = (roll.cos * above) / size - roll.sin * x1 + 4;
      // The outer head is longer below its middle: the neck leaves the field of view.
      const c = z > 0 ? 74 : 150;
      const wide = x * (1 - 0.0009 * y);
      if (radius(wide, y, z, 79, 99, c) > 1) continue;
      const scalp = inside(wide, y, z, 79, 99, c);
      this.label = 0;
      if (scalp > 24 && z > -20) {
        signals[first + h] = this.insideSkull(x, y, z, scalp - 12, s.bone);
      } else {
        const lump = this.shape.at(x, y, z);
        const skull = scalp - (4.5 + 0.8 * lump + (z < 0 ? -0.05 * z : 0));
        let signal = mix(0.15, s.fat * (0.9 + 0.1 * lump), share(scalp - 1));
        signal = mix(signal, s.bone, share(skull));
        signal = mix(signal, s.marrow, share(skull - 1.8, 1.6) * share(5.2 - skull, 1.6));
        if (skull > 5) signal = this.insideSkull(x, y, z, skull - 6.6 + 0.5 * lump, signal);
        signals[first + h] = signal;
      }
      labels[first + h] = this.label;
    }
  }

  /** @param cavity  mm inside the inner skull */
  private insideSkull(x: number, y: number, z: number, cavity: number, around: number): number {
    let signal = mix(around, this.s.fluid, share(cavity));
    if (z < -6) signal = this.skullBase(x, y, z, cavity, signal);
    const l = this.lesion;
    let px = x;
    let py = y;
    let pz = z;
    let fromCore = Infinity;
    if (l) {
      const dx = x - l.x;
      const dy = y - l.y;
      const dz = z - l.z;
      const r = Math.sqrt(dx * dx + dy * dy + dz * dz);
      fromCore = r;
      if (r < 70 && r > 0) {
        // Mass effect: what is seen here lay nearer to the tumour before it grew.
        const falloff = 1 - (r * r) / 4900;
        const push = (5 * falloff * falloff * Math.min(r, 12)) / 12 / r;
        px -= push * dx;
        py -= push * dy;
        pz -= push * dz;
      }
    }
    const depth = cerebralDepth(px, py, pz);
    if (depth > -1) {
      signal = this.cerebrum(px, py, pz, depth, signal);
      if (l && fromCore < 1.6 * l.oedema) signal = this.tumour(x, y, z, fromCore, signal);
    } else if (pz < -10) {
      signal = this.hindbrain(px, py, pz, signal);
    }
    return signal;
  }

  /** Bone, muscle and air below the brain, and the eyes. */
  private skullBase(x: number, y: number, z: number, cavity: number, around: number): number {
    const { s } = this;
    const rough = this.base.at(x, y, z);
    // The floor of the cavity: high in front, low at the back, where the cerebellum lies.
    const floor = -18 - 26 * share(y + 20, 30) - 16 * share(y - 15, 30);
    const soft = s.muscle * Math.max(0.1, 0.7 + 0.35 * rough);
    let signal = mix(around, s.bone + 0.05, share(floor - z) * share(cavity));
    signal = mix(signal, soft, share(floor - z - 5 + 2 * rough, 3) * share(cavity));
    const eye = radius(Math.abs(x) - 31, y + 70, z + 39, 1, 1, 1);
    if (eye < 20) {
      signal = mix(signal, s.fat, share(18 - eye, 2) * share(cavity + 6));
      signal = mix(signal, s.muscle, share(13 - eye));
      signal = mix(signal, s.fluid, share(11.6 - eye));
    }
    return signal;
  }

  /** Depth in mm below the folded surface of the cortex: the outer surface, the sulci, the fissures. */
  private pial(x: number, y: number, z: number, depth: number): number {
    let nearest = depth;
    if (depth < 27) {
      // Mostly constant along rays from the middle, so that sulci run inwards from the surface, and bent a little.
      const r = Math.max(0.35, radius(x, y, z - 3, 66, 84, 58));
      const ray = 0.6 / r + 0.4;
      const bend = 5 * this.shape.at(y, z, x);
      const field = this.folds.at(x * ray + bend, y * ray - bend, (z - 3) * ray + bend);
      const reach = 19 + 0.8 * bend;
      nearest = Math.min(nearest, Math.abs(field) * 4.3 * Math.min(1, r) + Math.max(0, depth - reach) * 1.3);
    }
    if (Math.abs(x) < 7) {
      // Between the hemispheres, down to the corpus callosum.
      const callosum = radius(0, y + 2, z - 6, 1, 46, 25);
      const bent = x + 0.7 * this.shape.at(z, y, 0);
      nearest = Math.min(nearest, Math.abs(bent) * 1.1 + Math.max(0, 1.06 - callosum) * 40);
    } else if (z < 12) {
      // Between frontal and temporal lobe, on both sides.
      const sheet = Math.abs(z + 9 - 0.25 * (y + 10) - 0.003 * (y + 10) * (y + 10)) * 0.9;
      nearest = Math.min(nearest, sheet + Math.max(0, 33 - Math.abs(x)) + Math.max(0, Math.abs(y + 8) - 36));
    }
    return nearest;
  }

  private cerebrum(x: number, y: number, z: number, depth: number, outside: number): number {
    const { s } = this;
    const pial = this.pial(x, y, z, depth);
    const grain = 1 + 0.03 * this.texture.at(x, y, z);
    let signal = mix(outside, s.grey * grain, share(pial - 0.7));
    signal = mix(signal, s.white * grain, share(pial - 3.1, 1.5));
    const ax = Math.abs(x);
    if (ax < 40 && z > -12 && z < 22) {
      const nuclei = Math.max(
        inside(ax - 10.5, y - 9, z - 4, 9, 14, 9),
        inside(ax - 26 - 0.1 * y, y + 4, z - 2, 5.5, 17, 11),
        inside(ax - 13, y + 23, z - 9, 5.5, 10, 9),
      );
      if (nuclei > -1) signal = mix(signal, s.deepGrey * grain, share(nuclei, 1.6));
    }
    const fluid = this.ventricles(ax, y, z);
    if (fluid > -4) {
      // The thin bright lining that FLAIR shows around the ventricles.
      signal = mix(signal, s.grey * 1.05, 0.5 * share(fluid + 1.4, 2));
      signal = mix(signal, s.fluid, share(fluid));
    }
    this.pialDepth = pial;
    this.fluidDepth = fluid;
    return signal;
  }

  /** Millimetres inside the ventricles; `ax` is the distance from the midline. */
  private ventricles(ax: number, y: number, z: number): number {
    if (ax > 30 || z > 30 || z < -12) return -9;
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
    const cerebellum = inside(x, y - 42, z + 39, 54, 35, 24);
    if (cerebellum > -1) {
      // Leaves: thin sheets, lying flat.
      const leaf = Math.abs(this.folds.at(x * 0.5, y * 1.2, z * 4.2)) * 1.7;
      const shallow = share(11 - cerebellum, 4);
      signal = mix(signal, s.grey * 0.96, share(cerebellum));
      signal = mix(
        signal,
        s.fluid + 0.4 * (s.grey - s.fluid),
        share(0.4 - leaf, 1) * shallow * share(cerebellum),
      );
      signal = mix(
        signal,
        s.white,
        0.8 * share(leaf + Math.max(0, cerebellum - 10) - 1.9, 2) * share(cerebellum - 3, 3),
      );
      signal = mix(signal, s.fluid, share(0.5 - Math.abs(x) + Math.max(0, y - 62)) * share(y - 58, 6));
    }
    const stem = inside(x, y - 13 - 0.12 * (z + 40), z + 42, 14, 12, 52);
    if (stem > -1) signal = mix(signal, s.white * 1.05, share(stem));
    const fourth = inside(x, y - 27, z + 40, 6, 4, 9);
    return fourth > -1 ? mix(signal, s.fluid, share(fourth)) : signal;
  }

  /** The tumour and its oedema, over the tissue that `cerebrum` has found. Sets the label. */
  private tumour(x: number, y: number, z: number, r: number, under: number): number {
    const { s } = this;
    const l = this.lesion!;
    const ragged = this.border.at(x, y, z);
    const core = l.core * (1 + 0.13 * ragged) - r;
    const oedema = l.oedema * (1 + 0.22 * this.border.at(y, z, x)) - r;
    if ((core < -1 && oedema < -2) || this.fluidDepth > 0 || this.pialDepth < 0.7) return under;
    // Oedema keeps to the white matter; the core respects nothing but the fluid.
    const inWhite = share(this.pialDepth - 3, 1.6) * share(-this.fluidDepth - 0.6);
    let signal = mix(under, s.oedema * (1 + 0.05 * ragged), share(oedema, 4) * inWhite);
    if (oedema > 0 && inWhite > 0.5) this.label = lesionLabels.oedema;
    if (core > -1) {
      const rim = l.core * (0.3 + 0.07 * this.border.at(2 * z, 2 * x, 2 * y));
      const solid = s.enhancing * (1 + 0.05 * this.texture.at(2 * x, 2 * y, 2 * z));
      // Where the rim takes up no contrast agent it is solid tumour all the same.
      const dull = share(this.border.at(1.3 * z, 1.3 * y, 1.3 * x) - 0.6, 0.3);
      signal = mix(signal, mix(solid, s.nonEnhancing, dull), share(core));
      signal = mix(signal, s.necrosis, share(core - rim));
      if (core > rim) this.label = lesionLabels.necrosis;
      else if (core > 0) this.label = dull > 0.5 ? lesionLabels.nonEnhancing : lesionLabels.enhancing;
    }
    return signal;
  }
}

/** Millimetres inside the unfolded cerebrum: an egg, cut below by the floor of the skull. */
function cerebralDepth(x: number, y: number, z: number): number {
  const egg = inside(x * (1 - 0.0016 * y), y, z - 3, 66, 84, 60);
  if (egg < -1 || z > 0) return egg;
  // Frontal lobes end above the eyes, occipital ones above the cerebellum; temporal lobes hang between, beside the stem.
  const temporal = share(y + 34, 16) * share(26 - y, 26) * share(Math.abs(x) - 17, 12);
  const round = 0.004 * (Math.abs(x) - 38) * (Math.abs(x) - 38) + 0.003 * (y + 6) * (y + 6);
  return Math.min(egg, z + 15 + temporal * (29 - round));
}

interface Rotation {
  cos: number;
  sin: number;
}

/** Cosine and sine of the angle whose half has tangent `t`, by division alone. */
function rotation(t: number): Rotation {
  return { cos: (1 - t * t) / (1 + t * t), sin: (2 * t) / (1 + t * t) };
}
