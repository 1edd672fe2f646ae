// The floor of Eq. 2: the study's plain numbers against the losses on tensors, closed forms, and its figure.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { Random } from '../../src/base/random';
import { gradientLengths, intersectionFloor, readSquares } from '../../src/experiments/intersection-floor';
import { eq2 } from '../../src/losses/eq2';
import { gradientBalance } from '../../src/losses/gradient-balance';
import { intersectionLoss, intersectionPlan, probabilitiesOf } from '../../src/losses/intersection';
import { binaryCrossEntropy } from '../../src/losses/segmentation';
import { figure } from '../../src/plots/draw';
import type { Finding } from '../../src/results/result';
import type { PlaneName } from '../../src/sampling/plane';
import { planeGrid, planeNames, readPlane } from '../../src/sampling/plane';
import { fitSquare, toSquare } from '../../src/sampling/square';
import { volumeOf } from '../../src/volume/volume';
import { asResults } from './results';

const saved = { ...process.env };
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-floor-'));
  process.env.COC_DATA = path.join(dir, 'data');
  process.env.COC_CACHE = path.join(dir, 'cache');
  delete process.env.COC_DATA_MIRROR;
  await (await loadCandidate('cpu')).open();
  await tf.setBackend('cpu');
});
afterAll(() => {
  process.env = saved;
  rmSync(dir, { recursive: true, force: true });
});

const perPlane = <T>(of: (name: PlaneName) => T): Record<PlaneName, T> => ({
  axial: of('axial'),
  coronal: of('coronal'),
  sagittal: of('sagittal'),
});

describe('the plain numbers of the study', () => {
  const dims = [9, 7, 5] as const;
  const random = new Random(4);
  const volume = volumeOf(
    Float32Array.from({ length: 315 }, () => random.uniform()),
    [...dims],
    [
      [-1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 2, 0],
      [0, 0, 0, 1],
    ],
  );
  const planes = perPlane((name) => readPlane(volume, planeGrid(volume, name), [2, 5, 3]));

  it.each(['nearest', 'linear', 'back'] as const)('are those of the loss on tensors: read %s', (reading) => {
    const how = { kernel: 'bicubic', convention: 'pil', antialias: true } as const;
    for (const size of [6, 13]) {
      const squares = perPlane((name) => {
        const { columns, rows } = planes[name].grid;
        const fit = fitSquare(columns.count, rows.count, size, 'stretch', how);
        return { plane: planes[name], fit, pixels: toSquare(planes[name].pixels, fit) };
      });
      const plain = eq2(readSquares(squares, how, reading));
      tf.tidy(() => {
        const plan = intersectionPlan(
          perPlane((name) => [planes[name]]),
          {
            square: {
              fits: perPlane((name) => squares[name].fit),
              read: reading === 'back' ? { back: how } : reading,
            },
          },
        );
        const predictions = perPlane((name) => tf.tensor(squares[name].pixels, [1, size, size, 1]));
        const [loss] = intersectionLoss(predictions, plan, { compare: 'logits' }).dataSync();
        expect(plain).toBeGreaterThan(0.01);
        expect(loss / plain).toBeCloseTo(1, 4);
      });
    }
  });

  it('lengths of gradients are those that automatic differentiation finds', () => {
    const size = 6;
    const noise = new Random(5);
    const numbers = (): Float32Array => Float32Array.from({ length: size * size }, () => noise.normal());
    const [logits, truth] = [perPlane(numbers), perPlane(() => numbers().map((x) => Number(x > 0)))] as const;
    const plain = gradientLengths(logits, truth, size, {
      axialRow: 1,
      coronalRow: 4,
      axialColumn: 2,
      sagittalRow: 0,
    });
    tf.tidy(() => {
      const square = perPlane((name) => tf.tensor(logits[name], [size, size]));
      const balance = gradientBalance(
        {
          segmentation: (trained) =>
            tf.div(
              tf.addN(
                planeNames.map((name) =>
                  binaryCrossEntropy(trained[name], tf.tensor(truth[name], [size, size])),
                ),
              ),
              3,
            ),
          consistency: (trained) => {
            const p = perPlane((name) =>
              probabilitiesOf(tf.expandDims(trained[name], -1)).reshape([size, size]),
            );
            const gap = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.sum(tf.squaredDifference(a, b));
            return tf.add(
              gap(p.axial.slice([1, 0], [1, size]).flatten(), p.coronal.slice([4, 0], [1, size]).flatten()),
              gap(p.axial.slice([0, 2], [size, 1]).flatten(), p.sagittal.slice([0, 0], [1, size]).flatten()),
            );
          },
        },
        square,
      );
      expect(plain.segmentation / balance.segmentation.dataSync()[0]).toBeCloseTo(1, 5);
      expect(plain.consistency / balance.consistency.dataSync()[0]).toBeCloseTo(1, 5);
    });
  });
});

describe('intersection-floor', () => {
  let findings: Finding[];
  const value = (id: string): number => findings.find((f) => f.id === `intersection-floor.${id}`)!.value!;
  beforeAll(async () => {
    ({ findings } = await intersectionFloor.run(intersectionFloor.specs.tiny, {}));
  });

  it('charges nothing on the grid, and something where planes shrink, whatever the kernel and the reading', () => {
    expect(value('grid')).toBe(0);
    for (const kernel of ['nearest', 'bilinear', 'bicubic'])
      for (const reading of ['nearest', 'linear', 'back']) {
        expect(value(`floor.64.${kernel}.${reading}`)).toBeGreaterThan(0);
        expect(value(`floor.64.${kernel}.${reading}`)).toBeLessThan(1);
      }
  });

  it('pulls harder on larger squares: a sum by the power 1.5 of the edge, a mean by its root', () => {
    expect(value('pull.sum.128') / value('pull.sum.64')).toBeGreaterThan(2.2);
    expect(value('pull.sum.128') / value('pull.sum.64')).toBeLessThan(3.6);
    expect(value('pull.sum.128') / value('pull.mean.128')).toBeCloseTo(2 * 128, 6);
  });

  it('is drawn with a panel for each reading, zero on a line of its own', () => {
    const results = asResults(findings, 'intersection-floor');
    const f = figure('intersection-floor.figure', results);
    expect(f.rows).toHaveLength(3 * 3 * 5);
    expect(f.spec.data).toHaveLength(9);
    // Nearest on squares larger than the planes is charged nothing.
    expect((f.spec.data[0].y as number[]).at(-1)).toBe(8e-6);
    expect(f.spec.layout.yaxis).toMatchObject({ type: 'log' });
    expect((f.spec.layout.annotations as { text: string }[]).map((a) => a.text)[2]).toContain(
      'Brought back to the voxels',
    );
    expect(f.alt).toContain('On the square, nearest sample, nearest:');
    expect(f.alt).toContain('0 at 1024');
    const bad = results.get('intersection-floor.figure')!;
    results.set(bad.id, { ...bad, figure: { builder: 'intersection-floor', data: { sizes: [1] } } });
    expect(() => figure('intersection-floor.figure', results)).toThrow(
      'cannot draw intersection-floor.figure',
    );
  });
});
