// What batches hold: planes, labels and lines as the library's own samplers read them one by one; the same whoever draws them.
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadCandidate } from '../../src/backends/choose';
import { tf } from '../../src/backends/tf';
import { flattenTree } from '../../src/backends/training-step';
import type { TensorTree } from '../../src/backends/training-step';
import { syntheticHead } from '../../src/datasets/synthetic-head';
import { allPairs, pairs } from '../../src/losses/intersection';
import { intersectionLine, resizedLine } from '../../src/sampling/intersection';
import { planeNames, readPlane } from '../../src/sampling/plane';
import { fitSquare, toSquare } from '../../src/sampling/square';
import { layoutOf } from '../../src/sampling/layout';
import { diagonalAffine } from '../../src/volume/affine';
import { volumeOf } from '../../src/volume/volume';
import { formOf, numbersIn } from '../../src/training/batch-form';
import type { BatchPlan } from '../../src/training/batch-plan';
import { fillerOf, formOfPlan } from '../../src/training/batch-plan';
import { normalised, trainingCase } from '../../src/training/cases';
import { batchInputs, DrawnBatches } from '../../src/training/drawn-batches';
import type { MaskedBatchOptions } from '../../src/training/masked-batch';
import type { PlaneBatchOptions } from '../../src/training/plane-batch';
import { drawnIn, imageResize, labelResize, planeForm } from '../../src/training/plane-batch';
import { batchOptions, headCases, side, size } from './small';

const cases = headCases(3);
beforeAll(async () => {
  await (await loadCandidate('cpu')).open();
});

const open: DrawnBatches<TensorTree>[] = [];
afterEach(() => Promise.all(open.splice(0).map((batches) => batches.close())));

/** A batch as numbers, drawn in this thread. */
function numbersOf(plan: BatchPlan, index: number) {
  const form = formOfPlan(plan);
  const numbers = numbersIn(form, new ArrayBuffer(form.bytes), 0);
  fillerOf(plan).fill(index, numbers);
  return numbers;
}
const planesOf = (over: Partial<PlaneBatchOptions> = {}): BatchPlan & { kind: 'planes' } => ({
  kind: 'planes',
  cases,
  options: { ...batchOptions, ...over },
});

describe('batches of planes', () => {
  it('hold the pictures and labels of the planes through the drawn voxels', () => {
    const plan = planesOf({ channels: 2 });
    const numbers = numbersOf(plan, 5);
    drawnIn(cases, plan.options, 5).forEach(({ of, voxel, planes }, k) => {
      const { image, labels } = cases[of];
      expect(planes).toEqual(planeNames);
      for (const name of planes) {
        const grid = image.grids[name];
        const { columns, rows } = grid;
        const volume = (layout: typeof image) => ({ data: layout.data, dims: layout.dims, spacing: [6, 6, 6], axisCodes: 'RAS' }) as never; // prettier-ignore
        const grey = toSquare(readPlane(volume(image), grid, voxel).pixels, fitSquare(columns.count, rows.count, size, 'stretch', imageResize)); // prettier-ignore
        const seen = toSquare(readPlane(volume(labels), grid, voxel).pixels, fitSquare(columns.count, rows.count, side, 'stretch', labelResize)); // prettier-ignore
        const picture = numbers[`planes/${name}`].slice(2 * k * size * size, 2 * (k + 1) * size * size);
        expect([...picture]).toEqual([...grey].flatMap((value) => [value, value]));
        expect([...numbers[`labels/${name}`].slice(k * side * side, (k + 1) * side * side)]).toEqual([
          ...seen,
        ]);
      }
    });
  });

  it('say where lines lie as the sampler does, linear between two samples', () => {
    const plan = planesOf({ pairs: allPairs, voxels: 3 });
    const numbers = numbersOf(plan, 2);
    drawnIn(cases, plan.options, 2).forEach(({ of, voxel }, k) => {
      const { image } = cases[of];
      const volume = { data: image.data, dims: image.dims, spacing: [6, 6, 6], axisCodes: 'RAS' } as never;
      for (const pair of allPairs) {
        const planes = pairs[pair].map(([name]) => readPlane(volume, image.grids[name], voxel));
        const fits = planes.map(({ grid: { columns, rows } }) => fitSquare(columns.count, rows.count, side, 'stretch', labelResize)); // prettier-ignore
        const line = resizedLine(intersectionLine(planes[0], planes[1]), [fits[0], fits[1]]);
        (['first', 'second'] as const).forEach((which, p) => {
          const weights = [...numbers[`lines/${pair}/${which}`].slice(k * side, (k + 1) * side)];
          const { column, row, dColumn } = line.places[p];
          const wanted = Math.min(Math.max(dColumn !== 0 ? row : column, 0), side - 1);
          const sum = weights.reduce((a, b) => a + b, 0);
          const place = weights.reduce((a, b, i) => a + b * i, 0);
          expect(sum).toBeCloseTo(1, 6);
          expect(place).toBeCloseTo(wanted, 5);
          expect(weights.filter((value) => value > 0).length).toBeLessThanOrEqual(2);
          // The line's way in the table of pairs is the one that the grids say.
          expect(pairs[pair][p][1]).toBe(dColumn !== 0 ? 'row' : 'column');
        });
      }
    });
  });

  it('have one plane a voxel, or one of each orientation in turn, where no triplets are drawn', () => {
    const axial = planeForm({ ...batchOptions, draw: 'axial', voxels: 4, pairs: [] });
    expect(axial.arrays.map(({ path, shape }) => [path, shape[0]])).toEqual([
      ['planes/axial', 4],
      ['labels/axial', 4],
    ]);
    const single = { ...batchOptions, draw: 'single' as const, voxels: 6, pairs: [] };
    expect(planeForm(single).arrays.map(({ path, shape }) => [path, shape[0]])).toEqual(
      planeNames.flatMap((name) => [
        [`planes/${name}`, 2],
        [`labels/${name}`, 2],
      ]),
    );
    expect(drawnIn(cases, single, 0).map(({ planes }) => planes)).toEqual([...planeNames, ...planeNames].map((name) => [name])); // prettier-ignore
  });

  it('draw all cases, and the share of foreground that was asked for', () => {
    const draws = Array.from({ length: 300 }, (_, k) => drawnIn(cases, { ...batchOptions, voxels: 2, foregroundShare: 0.7 }, k)).flat(); // prettier-ignore
    const inForeground = draws.filter(({ of, voxel: [x, y, z] }) => {
      const { data, dims } = cases[of].labels;
      return data[x + dims[0] * (y + dims[1] * z)] > 0;
    });
    // 0.7, and what falls there by chance: no more than 0.05 of a head is lesion.
    expect(inForeground.length / 600).toBeGreaterThan(0.65);
    expect(inForeground.length / 600).toBeLessThan(0.8);
    for (const k of cases.keys())
      expect(Math.abs(draws.filter(({ of }) => of === k).length / 600 - 1 / 3)).toBeLessThan(0.08);
  });

  it('are the same from another thread, from any start, and as tensors', () => {
    const plan = planesOf({ pairs: allPairs });
    for (const from of [0, 3]) {
      const batches = new DrawnBatches<TensorTree>(plan, { from, to: 6 });
      open.push(batches);
      for (let k = from; k < 6; k++) {
        const tensors = flattenTree(batches.next()!);
        const wanted = numbersOf(plan, k);
        expect(Object.keys(tensors).sort()).toEqual(Object.keys(wanted).sort());
        for (const [path, tensor] of Object.entries(tensors)) expect(tensor.dataSync()).toEqual(wanted[path]);
        tf.dispose(tensors);
      }
      expect(batches.next()).toBeUndefined();
    }
    const specs = batchInputs(plan) as { planes: { axial: object }; lines: object };
    expect(specs.planes.axial).toEqual({ shape: [2, size, size, 3], dtype: 'float32' });
    expect(batchInputs(planesOf({ draw: 'axial', pairs: [] }))).toMatchObject({ lines: {} });
  });

  it('are refused what does not go together', () => {
    const attempt = (over: Partial<PlaneBatchOptions>) => () => planeForm({ ...batchOptions, ...over });
    expect(attempt({ draw: 'axial' })).toThrow('given pairs of planes to compare, and axial planes');
    expect(attempt({ draw: 'single', voxels: 4, pairs: [] })).toThrow('given 4 voxels for single planes, expected a multiple of 3'); // prettier-ignore
    expect(attempt({ foregroundShare: 2 })).toThrow('a share of foreground of 2');
    expect(attempt({ side: 0 })).toThrow('given side 0, expected whole numbers from 1 on');
  });
});

describe('cases', () => {
  const { image, labels } = syntheticHead({ seed: 1, dims: [12, 14, 10], spacing: [12, 12, 12] });

  it('have mean 0 and deviation 1, whatever the scale, and know their foreground', () => {
    const { data } = normalised({ ...image, data: image.data.map((value) => 3 * value + 70) });
    const mean = [...data].reduce((a, b) => a + b, 0) / data.length;
    expect(mean).toBeCloseTo(0, 5);
    expect([...data].reduce((a, b) => a + (b - mean) ** 2, 0) / data.length).toBeCloseTo(1, 4);
    expect([...normalised({ ...image, data: image.data.map(() => 7) }).data].every((value) => value === 0)).toBe(true); // prettier-ignore
    const made = trainingCase('a', image, labels);
    expect([...made.foreground].every((place) => labels.data[place] > 0)).toBe(true);
    expect(made.foreground.length).toBe([...labels.data].reduce((n, label) => n + Number(label > 0), 0));
  });

  it('are refused other grids, no foreground, fractions and what is no number', () => {
    const other = volumeOf(new Uint8Array(8), [2, 2, 2], diagonalAffine([1, 1, 1]));
    expect(() => trainingCase('a', image, other)).toThrow(
      'cannot learn from the case a: given labels of 2 x 2 x 2',
    );
    expect(() => trainingCase('a', image, { ...labels, data: labels.data.map(() => 0) })).toThrow('labels without foreground'); // prettier-ignore
    const half = { ...labels, data: Float32Array.from(labels.data, (label) => label / 2) };
    expect(() => trainingCase('a', image, half)).toThrow('labels that are no whole numbers up to 255');
    const broken = { ...image, data: image.data.map((value, i) => (i === 0 ? NaN : value)) };
    expect(() => normalised(broken)).toThrow('given voxels that are no finite numbers');
  });
});

describe('masked pictures', () => {
  const options: MaskedBatchOptions = { pictures: 3, seed: 4, size: 32, patch: 8, channels: 3, hidden: 0.6, window: [12, 24] }; // prettier-ignore
  const { image, labels } = syntheticHead({ seed: 2, dims: [30, 36, 24], spacing: [6, 6, 6] });
  const plan: BatchPlan = {
    kind: 'masked',
    sources: [
      { name: 'greys', volume: layoutOf(image, 'file', { shared: true }), holds: 'greys' },
      { name: 'labels', volume: layoutOf(labels, 'file', { shared: true }), holds: 'labels' },
    ],
    options,
  };

  it('show all but a share of their patches, and hold what was hidden', () => {
    for (let k = 0; k < 20; k++) {
      const { seen, patches, hidden } = numbersOf(plan, k);
      for (let picture = 0; picture < 3; picture++) {
        const own = [...hidden.slice(picture * 16, (picture + 1) * 16)];
        expect(own.reduce((a, b) => a + b, 0)).toBe(Math.round(0.6 * 16));
        const values = [...patches.slice(picture * 1024, (picture + 1) * 1024)];
        const mean = values.reduce((a, b) => a + b, 0) / 1024;
        expect(mean).toBeCloseTo(0, 4);
        expect(values.reduce((a, b) => a + b * b, 0) / 1024).toBeCloseTo(1, 3);
        for (let row = 0; row < 32; row++)
          for (let column = 0; column < 32; column++) {
            const at = Math.floor(row / 8) * 4 + Math.floor(column / 8);
            const value = values[at * 64 + (row % 8) * 8 + (column % 8)];
            const shown = seen.slice(((picture * 32 + row) * 32 + column) * 3).slice(0, 3);
            expect([...shown]).toEqual(own[at] === 1 ? [0, 0, 0] : [value, value, value]);
          }
      }
    }
  });

  it('are refused what does not go together', () => {
    for (const over of [{ patch: 5 }, { hidden: 1 }, { window: [40, 20] as const }])
      expect(() => formOfPlan({ ...plan, options: { ...options, ...over } })).toThrow(
        'cannot draw masked pictures',
      );
    expect(formOf([]).bytes).toBe(0);
  });
});
