// Eq. 2 on tensors: PyTorch's values and gradients (test/oracles/losses_peer.py), and what the term can and cannot see.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import type { IntersectionOptions, PlanOptions } from '../../src/losses/intersection';
import { allPairs, intersectionLoss, intersectionPlan, linePairs } from '../../src/losses/intersection';
import type { Plane, PlaneName } from '../../src/sampling/plane';
import { planeGrid, planeNames, readPlane } from '../../src/sampling/plane';
import type { Interpolation } from '../../src/sampling/resize';
import type { SquareFit } from '../../src/sampling/square';
import { fitSquare } from '../../src/sampling/square';
import type { Affine, Triple, Volume } from '../../src/volume/volume';
import { volumeOf } from '../../src/volume/volume';
import oracle from '../oracles/losses.json';
import { withoutLeak } from '../setup/leaks';
import { expectCase, sizeOf, tensorOf } from './tensor-case';

type Planes = Record<PlaneName, Plane[]>;
const bilinear: Interpolation = { kernel: 'bilinear', convention: 'torch', antialias: false };

/** A volume whose axes grow to R, A, S, or in another order and turned over. */
function volume(
  dims: Triple,
  values: ArrayLike<number> = new Float32Array(sizeOf(dims)),
  world: readonly number[] = [0, 1, 2],
  sign: readonly number[] = [1, 1, 1],
): Volume {
  const row = (w: number): Affine[0] => {
    const of = (axis: number): number => (world[axis] === w ? sign[axis] : 0);
    return [of(0), of(1), of(2), 0];
  };
  return volumeOf(Float32Array.from(values), dims, [row(0), row(1), row(2), [0, 0, 0, 1]]);
}

function planesAt(of: Volume, voxels: readonly Triple[]): Planes {
  const planes = (name: PlaneName): Plane[] => voxels.map((v) => readPlane(of, planeGrid(of, name), v));
  return { axial: planes('axial'), coronal: planes('coronal'), sagittal: planes('sagittal') };
}

/** The pixels of planes as predictions, [planes, height, width, 1]. */
function picturesOf(planes: Planes): Record<PlaneName, tf.Tensor4D> {
  const picture = (name: PlaneName): tf.Tensor4D => {
    const { columns, rows } = planes[name][0].grid;
    const pixels = Float32Array.from(planes[name].flatMap((plane) => Array.from(plane.pixels)));
    return tf.tensor4d(pixels, [planes[name].length, rows.count, columns.count, 1]);
  };
  return { axial: picture('axial'), coronal: picture('coronal'), sagittal: picture('sagittal') };
}

function fitsOf(
  planes: Planes,
  size: number,
  way: 'stretch' | 'pad' = 'stretch',
): Record<PlaneName, SquareFit> {
  const fit = (name: PlaneName): SquareFit => {
    const { columns, rows } = planes[name][0].grid;
    return fitSquare(columns.count, rows.count, size, way, bilinear);
  };
  return { axial: fit('axial'), coronal: fit('coronal'), sagittal: fit('sagittal') };
}

const value = (loss: tf.Tensor): number => loss.dataSync()[0];
const as = { compare: 'logits' } as const;

interface CaseOptions {
  k?: number;
  pairs?: number;
  mean?: boolean;
  logits?: boolean;
  square?: string;
}

describe.each(['cpu', 'wasm'] as const)('Eq. 2 on %s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await (await loadCandidate(name)).open();
    await tf.setBackend(name);
  });

  it.each(Object.keys(oracle.intersection) as (keyof typeof oracle.intersection)[])(
    'has the value and gradient of PyTorch: %s',
    async (which) => {
      const { shapes, options, ...expected } = oracle.intersection[which];
      const { k = 1, pairs = 2, mean = false, logits = false, square } = options as CaseOptions;
      const { dims, voxels, square: size } = oracle.grid;
      const planes = planesAt(volume(dims as Triple), voxels.slice(0, k) as Triple[]);
      const read = { nearest: 'nearest', bilinear: 'linear', back: { back: bilinear } } as const;
      const plan: PlanOptions = {
        ...(pairs === 3 && { pairs: allPairs }),
        ...(square && { square: { fits: fitsOf(planes, size), read: read[square as keyof typeof read] } }),
      };
      const how: IntersectionOptions = {
        reduction: mean ? 'mean' : 'sum',
        compare: logits ? 'logits' : 'probabilities',
      };
      await withoutLeak(
        which,
        () =>
          tf.tidy(() => {
            const lines = intersectionPlan(planes, plan);
            expectCase(
              (axial, coronal, sagittal) => intersectionLoss({ axial, coronal, sagittal }, lines, how),
              planeNames.map((plane, i) => tensorOf(shapes[i], `${which}/${plane}`)),
              expected,
            );
          }),
        backend,
      );
    },
  );
});

describe('what Eq. 2 sees', () => {
  beforeAll(async () => {
    await (await loadCandidate('cpu')).open();
    await tf.setBackend('cpu');
  });
  const side = fc.integer({ min: 2, max: 6 });
  const dims: fc.Arbitrary<Triple> = fc.tuple(side, side, side);
  /** Volumes of any orientation with any values, and voxels in them. */
  const cases = dims.chain((d) =>
    fc.record({
      dims: fc.constant(d),
      values: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -8, max: 8 }), {
        minLength: sizeOf(d),
        maxLength: sizeOf(d),
      }),
      world: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
      sign: fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(1, -1))),
      voxels: fc.array(fc.tuple(...d.map((n) => fc.nat(n - 1))) as fc.Arbitrary<Triple>, {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  );

  it('is bit-exactly zero for predictions that are one volume, right or wrong, in any orientation', () => {
    fc.assert(
      fc.property(cases, ({ dims, values, world, sign, voxels }) => {
        tf.tidy(() => {
          const planes = planesAt(volume(dims, values, world, sign), voxels);
          const plan = intersectionPlan(planes, { pairs: allPairs });
          expect(value(intersectionLoss(picturesOf(planes), plan, as))).toBe(0);
          expect(value(intersectionLoss(picturesOf(planes), plan))).toBe(0);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('is above zero for one voxel of one plane on a line that says otherwise, and not for one off the lines', () => {
    fc.assert(
      fc.property(cases, fc.nat(), ({ dims, values, world, sign, voxels }, pick) => {
        tf.tidy(() => {
          const planes = planesAt(volume(dims, values, world, sign), voxels.slice(0, 1));
          const plan = intersectionPlan(planes);
          const { axial } = planes;
          const [column, row] = axial[0].crosshair;
          const { columns, rows } = axial[0].grid;
          const at = pick % axial[0].pixels.length;
          const pixels = Float32Array.from(axial[0].pixels);
          pixels[at] += 1;
          const changed = { ...planes, axial: [{ ...axial[0], pixels }] };
          const [x, y] = [at % columns.count, Math.floor(at / columns.count)];
          const hits = Number(y === row) + Number(x === column);
          expect(rows.count).toBeGreaterThan(y);
          expect(value(intersectionLoss(picturesOf(changed), plan, as))).toBeCloseTo(hits, 4);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('is blind to masks that do not depend on the view: constants, on the grid and on any square', () => {
    const constant = fc.float({ noNaN: true, min: -4, max: 4 });
    const reads = fc.constantFrom('nearest', 'linear', { back: bilinear }) as fc.Arbitrary<
      'nearest' | 'linear' | { back: Interpolation }
    >;
    fc.assert(
      fc.property(cases, constant, fc.integer({ min: 2, max: 9 }), reads, (given, level, size, read) => {
        tf.tidy(() => {
          const planes = planesAt(volume(given.dims), given.voxels);
          const k = given.voxels.length;
          const flat = (): tf.Tensor => tf.fill([k, size, size, 1], level);
          const plan = intersectionPlan(planes, {
            pairs: allPairs,
            square: { fits: fitsOf(planes, size), read },
          });
          const squares = { axial: flat(), coronal: flat(), sagittal: flat() };
          expect(value(intersectionLoss(squares, plan, as))).toBeLessThan(1e-9);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('pulls both partners, equally and opposite, and no pixel off the lines', () => {
    tf.tidy(() => {
      const planes = planesAt(volume([4, 5, 3]), [[1, 2, 1]]);
      const plan = intersectionPlan(planes);
      const shapes: number[][] = [
        [1, 5, 4, 1],
        [1, 3, 4, 1],
        [1, 3, 5, 1],
      ];
      const inputs = shapes.map((shape, i) => tensorOf(shape, `pull ${i}`));
      const [axial, coronal, sagittal] = tf.grads((a: tf.Tensor, c: tf.Tensor, s: tf.Tensor) =>
        intersectionLoss({ axial: a, coronal: c, sagittal: s }, plan, as),
      )(inputs);
      expect(value(tf.sum(axial))).toBeCloseTo(-value(tf.sum(coronal)) - value(tf.sum(sagittal)), 4);
      const nonZero = (x: tf.Tensor): number => x.dataSync().filter((g) => g !== 0).length;
      // The row of y = 2 and the column of x = 1; one row of each partner.
      expect([nonZero(axial), nonZero(coronal), nonZero(sagittal)]).toEqual([4 + 5 - 1, 4, 5]);
    });
  });

  it('does not see the third pair, unless asked to', () => {
    tf.tidy(() => {
      const planes = planesAt(volume([3, 3, 3]), [[1, 1, 1]]);
      const pictures = picturesOf(planes);
      // A voxel on the coronal-sagittal line, not the one that all three share.
      const coronal = tf.buffer([1, 3, 3, 1]);
      coronal.set(1, 0, 0, 1, 0);
      const wrong = { ...pictures, coronal: coronal.toTensor() };
      expect(value(intersectionLoss(wrong, intersectionPlan(planes), as))).toBe(0);
      expect(value(intersectionLoss(wrong, intersectionPlan(planes, { pairs: allPairs }), as))).toBe(1);
    });
  });

  it('reads as many places as it is told to, evenly over the line', () => {
    tf.tidy(() => {
      // The value of a voxel is its index along x.
      const ramp = Array.from({ length: 8 * 2 * 2 }, (_, i) => i % 8);
      const planes = planesAt(volume([8, 2, 2], ramp), [[3, 1, 0]]);
      const plan = intersectionPlan(planes, {
        samples: 4,
        square: { fits: fitsOf(planes, 8), read: 'linear' },
      });
      const squares = Object.fromEntries(
        planeNames.map((name) => {
          const stretched = tf.image.resizeNearestNeighbor(picturesOf(planes)[name], [8, 8], false, true);
          return [name, stretched];
        }),
      ) as Record<PlaneName, tf.Tensor>;
      const [{ first, second }] = linePairs(squares, plan);
      // Grows to R, so the picture shows it falling.
      expect([...first.dataSync()]).toEqual([6.5, 4.5, 2.5, 0.5]);
      expect([...second.dataSync()]).toEqual([6.5, 4.5, 2.5, 0.5]);
    });
  });

  it('reads a padded square where the picture lies in it', () => {
    tf.tidy(() => {
      const values = Array.from({ length: 4 * 3 * 2 }, (_, i) => (i * 7) % 5);
      const planes = planesAt(volume([4, 3, 2], values), [[1, 2, 1]]);
      const fits = fitsOf(planes, 4, 'pad');
      const squares = Object.fromEntries(
        planeNames.map((name) => {
          const picture = picturesOf(planes)[name];
          const [height, width] = [fits[name].rows.to, fits[name].columns.to];
          const resized = tf.image.resizeBilinear(picture, [height, width], false, true);
          // What stands in the padding must not be read.
          return [
            name,
            tf.pad(
              resized,
              [
                [0, 0],
                [0, 4 - height],
                [0, 4 - width],
                [0, 0],
              ],
              99,
            ),
          ];
        }),
      ) as Record<PlaneName, tf.Tensor>;
      for (const read of ['nearest', 'linear', { back: bilinear }] as const) {
        const plan = intersectionPlan(planes, { pairs: allPairs, square: { fits, read } });
        for (const { first, second } of linePairs(squares, plan))
          for (const line of [first, second]) expect(Math.max(...line.dataSync())).toBeLessThan(5);
      }
    });
  });

  it('names what does not fit', () => {
    const planes = planesAt(volume([4, 5, 3]), [[1, 2, 1]]);
    const plan = intersectionPlan(planes);
    const of = (k: number): Record<PlaneName, tf.Tensor> => ({
      axial: tf.zeros([k, 5, 4, 1]),
      coronal: tf.zeros([1, 3, 4, 1]),
      sagittal: tf.zeros([1, 3, 5, 1]),
    });
    expect(value(intersectionLoss(of(1), plan))).toBe(0);
    expect(() => intersectionLoss(of(2), plan)).toThrow('a partner with 2 planes');
    expect(() => intersectionLoss({ ...of(1), axial: tf.zeros([1, 4, 5, 1]) }, plan)).toThrow(
      'cannot read lines in the predictions of axial planes: given [1, 4, 5, 1]',
    );
    expect(() => intersectionPlan({ ...planes, coronal: [] })).toThrow('no coronal plane');
    expect(() => intersectionPlan(planes, { pairs: [] })).toThrow('no pair of planes');
    expect(() => intersectionPlan(planes, { samples: 0 })).toThrow('0 places on a line');
    const square = { fits: fitsOf(planes, 8), read: { back: bilinear } };
    expect(() => intersectionPlan(planes, { samples: 3, square })).toThrow('brought back to the voxels');
    const wrong = { ...square, fits: { ...square.fits, axial: square.fits.coronal } };
    expect(() => intersectionPlan(planes, { square: wrong })).toThrow('resized axial plane');
  });
});
