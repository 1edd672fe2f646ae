// One view at a time, really run, at its smallest: what the ledger of the run shows, and that a wrong gradient is not passed over.
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChosenBackend } from '../../src/backends/choose';
import { chooseBackend } from '../../src/backends/choose';
import { viewByView } from '../../src/experiments/view-by-view';
import * as run from '../../src/experiments/view-by-view-run';
import { withoutLeak } from '../setup/leaks';

let backend: ChosenBackend;
beforeAll(async () => {
  backend = await chooseBackend({ backend: 'wasm' });
});
afterEach(() => {
  vi.restoreAllMocks();
});
const { tiny } = viewByView.specs;

describe('the study', () => {
  it('finds peaks, equal gradients and times', { timeout: 60_000 }, async () => {
    const { findings } = await withoutLeak('view-by-view', () => viewByView.run(tiny, { backend }), backend);
    const value = (id: string): number => findings.find((f) => f.id === `view-by-view.${id}`)!.value!;
    for (const policy of ['tape', 'lean']) {
      const one = value(`peak.tiny-64.32.${policy}.one`);
      const three = value(`peak.tiny-64.32.${policy}.three`);
      expect(value(`over-one.tiny-64.32.${policy}`)).toBe(three / one);
      // At this size gradients and masks of three views weigh something beside the activations of one; or an update is the peak.
      expect(three / one).toBeGreaterThanOrEqual(1);
      expect(three / one).toBeLessThan(1.3);
      expect(value(`gradient.tiny-64.32.${policy}`)).toBeLessThan(1e-5);
    }
    const table = findings.find((f) => f.id === 'view-by-view.watched')!.table!;
    for (const row of table.rows) expect(Number(row.reference) / Number(row.three)).toBeGreaterThan(2);
    expect(value('over-one.most')).toBe(Math.max(value('over-one.tiny-64.32.tape'), value('over-one.tiny-64.32.lean'))); // prettier-ignore
    expect(value('time.tape')).toBeGreaterThan(0);
    expect(value('price.per-plane')).toBeGreaterThan(0.5);
  });

  it('stops where the gradient is another one', async () => {
    vi.spyOn(run, 'gradientsApart').mockReturnValue(0.5);
    await expect(viewByView.run(tiny, { backend })).rejects.toThrow(
      'tiny-64 at 32 px: the gradient by per-plane is 0.5 of its length away from that by tape; 0.0001 is allowed',
    );
  });

  it('does not take a gradient that is no number for the same', async () => {
    vi.spyOn(run, 'gradientsApart').mockReturnValue(NaN);
    await expect(viewByView.run(tiny, { backend })).rejects.toThrow('is NaN of its length away');
  });

  it('asks for a backend', async () => {
    await expect(viewByView.run(tiny, {})).rejects.toThrow('no backend');
  });
});

it('gradients are apart by the length of their difference over length', () => {
  expect(run.gradientsApart({ a: [3, 0], b: [4] }, { a: [3, 4], b: [0] })).toBeCloseTo(Math.sqrt(32) / 5);
});
