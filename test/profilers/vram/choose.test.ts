// Which policy is chosen, and what cards have, by hand-made needs.
import { describe, expect, it } from 'vitest';
import { policies } from '../../../src/memory/policy';
import { cards } from '../../../src/profilers/cards';
import { derivedNeed } from '../../../src/profilers/derived/need';
import { cardMemories, cardMemoryNames } from '../../../src/profilers/vram/card-memory';
import type { PolicyNeed } from '../../../src/profilers/vram/choose';
import { bestPolicy, cheapestPolicy } from '../../../src/profilers/vram/choose';
import { readingOf } from '../../../src/profilers/vram/dry-reading';
import type { Need } from '../../../src/profilers/vram/need';
import { readingBy } from '../../../src/profilers/vram/reading';
import type { Setting } from '../../../src/profilers/vram/setting';
import { checkSetting, checkTfjsSetting, studySetting } from '../../../src/profilers/vram/setting';
import { readingsOf } from '../../../src/profilers/vram/stacks';
import { dryRunOf } from '../../../src/profilers/vram/tfjs';
import { answer } from '../../../src/profilers/vram/answer';

const needing = (policy: PolicyNeed['policy'], gibibytes: number, flops: number): PolicyNeed => ({
  policy,
  need: { peakBytes: gibibytes * 2 ** 30, flops } as Need,
});

describe('policies', () => {
  const all = [
    needing([], 40, 100),
    needing(['recompute'], 12, 150),
    needing(['lean'], 12, 100),
    needing(['per-plane', 'recompute'], 6, 200),
    needing(['per-plane', 'recompute', 'lean'], 6, 200),
    needing(['chunked'], 38, 100),
  ];
  it('best is the least peak, of equals the fewest techniques', () => {
    expect(bestPolicy(all).policy).toEqual(['per-plane', 'recompute']);
  });
  it.each([
    [80, ['lean']],
    [12, ['lean']],
    [11.9, ['per-plane', 'recompute']],
  ])('cheapest within %d GiB is the least arithmetic that fits', (gibibytes, expected) => {
    expect(cheapestPolicy(all, gibibytes * 2 ** 30, 'a card').policy).toEqual(expected);
  });
  it('where none fits it says what is needed at least', () => {
    expect(() => cheapestPolicy(all, 5 * 2 ** 30, 'a small card')).toThrow(
      'cannot choose a policy for a small card: given a step that needs 6.00 GiB at least (per-plane+recompute)',
    );
  });
});

describe('batches', () => {
  it.each([
    ['a straight line', (batch: number) => 100 + 10 * batch],
    ['a bend', (batch: number) => Math.max(900, 100 + 10 * batch)],
    ['a first sample apart', (batch: number) => (batch === 1 ? 50 : 100 + 10 * batch)],
    ['chunks', (batch: number) => 100 + 10 * batch + (batch % 7)],
  ])('the largest that fits: %s', (_, bytes) => {
    const reading = readingBy((batch) => ({ peakBytes: bytes(batch) }) as Need);
    for (const limit of [49, 50, 119, 120, 121, 899, 900, 901, 4999, 5000, 50_000]) {
      const found = reading.largestBatch(limit);
      if (found > 0) expect(bytes(found), `${found} within ${limit}`).toBeLessThanOrEqual(limit);
      expect(bytes(found + 1), `${found + 1} beyond ${limit}`).toBeGreaterThan(limit);
    }
  });
});

describe('cards', () => {
  it('have what their drivers show, near what is sold', () => {
    const sold = { t4: 16, l4: 24, 'rtx-3090': 24, 'rtx-4090': 24, 'rtx-5090': 32, 'v100-16': 16, 'v100-32': 32, 'a100-40': 40, 'a100-80': 80, 'h100-80': 80, h200: 141 } as const; // prettier-ignore
    for (const [name, gigabytes] of Object.entries(sold)) {
      const { bytes, source } = cardMemories[name as keyof typeof sold];
      expect(bytes / 1e9 / gigabytes, name).toBeGreaterThan(0.98);
      expect(bytes / 2 ** 30 / gigabytes, name).toBeLessThanOrEqual(1);
      expect(source).toContain('MiB');
    }
    expect(cardMemories.t4.bytes).toBe(cards.t4.shown);
    // As Metal reported for 32 GB and 96 GB.
    expect(Math.floor(cardMemories['apple-32'].bytes / 2 ** 20)).toBe(21_845);
    expect(cardMemories['apple-96'].bytes / 2 ** 20).toBe(73_728);
    expect(new Set(cardMemoryNames.map((name) => cardMemories[name].title)).size).toBe(
      cardMemoryNames.length,
    );
  });
});

const setting = studySetting('sam-vit-h');

describe('settings', () => {
  it.each<[Partial<Setting>, string]>([
    [{ size: 1000 }, 'given pictures of 1000 pixels, expected a multiple of 16'],
    [{ size: 0 }, 'given pictures of 0 pixels'],
    [{ views: 4 as never }, 'given 4 views, expected 1, 2 or 3'],
    [{ batch: 0 }, 'given a batch of 0'],
    [
      { trained: { kind: 'lora', rank: 0, first: 0 } },
      'given adapters of rank 0, expected a whole number from 1 to 1280',
    ],
    [
      { trained: { kind: 'lora', rank: 4, first: 32 } },
      'given adapters from block 32 on, expected a block from 0 to 31',
    ],
    [{ model: 'unet' as never }, 'given the model unet'],
    [
      { model: 'sam3', size: 1008, trained: { kind: 'decoder' } },
      'SAM 3 vision trunk: given the decoder alone to train, expected adapters or all weights: it has none',
    ],
  ])('%j is refused', (own, message) => {
    expect(() => checkSetting({ ...setting, ...own })).toThrow(message);
  });
  it.each<[Partial<Setting>, string]>([
    [{ precision: 'amp' }, 'TensorFlow.js has no tensors of 16 bits'],
    [{ precision: 'bf16' }, 'TensorFlow.js has no tensors of 16 bits'],
    [{ attention: 'fused' }, 'given the attention kernel fused'],
  ])('TensorFlow.js has no %j, and says why', (own, message) => {
    expect(() => checkTfjsSetting({ ...setting, ...own })).toThrow(message);
  });
});

describe('both stacks', () => {
  it("have SAM 3's trunk alone, and say so", () => {
    const trunk = { ...setting, model: 'sam3', size: 336, views: 2 } as const;
    const [tape, all] = [policies[0], policies.at(-1)!].map((policy) => {
      const own = { ...trunk, policy };
      const ours = readingOf({ one: dryRunOf(own, 'one') }, own.model).need(1);
      for (const { notes } of [ours, derivedNeed(own)])
        expect(notes).toContain('the vision trunk alone, with a gradient for each feature');
      // As published (test/models/sam3.test.ts), and adapters of rank 4 beside queries and values of 32 blocks.
      expect(ours.weightsBytes).toBe(4 * (446_236_672 + 32 * 2 * 2 * 4 * 1024));
      return ours;
    });
    expect(all.peakBeyondWeightsBytes).toBeLessThan(tape.peakBeyondWeightsBytes / 10);
    expect(all.flops).toBeGreaterThan(1.2 * tape.flops);
  });

  it('one that has no such step says why, the other answers', async () => {
    const { batch, policy, ...rest } = { ...setting, precision: 'amp' as const };
    const [tfjs] = await readingsOf('tfjs', [{ setting: { ...rest, policy }, batch }]);
    expect('refusal' in tfjs && tfjs.refusal.message).toContain('no tensors of 16 bits');
    const found = await answer({ stack: 'pytorch', setting: { ...rest, batch }, policy: 'best', cards: ['t4', 'a100-80'] }); // prettier-ignore
    expect(found).toMatchObject({ stack: 'pytorch', kind: 'derived', other: null });
    expect(found.otherMissing).toContain('no tensors of 16 bits');
    // By hand: of equals the first in the order of techniques, and lean changes nothing of PyTorch's.
    expect(found.policy).toBe('per-plane+recompute+chunked');
    expect(found.flopsOverTape).toBeGreaterThan(1.5);
    for (const { bytes, pytorch, tfjs: none } of found.cards) {
      expect(none).toBeNull();
      expect(pytorch!.fits).toBe(found.peakBytes <= bytes);
      expect(pytorch!.largestBatch).toBeGreaterThan(0);
    }
    const cheapest = await answer({ stack: 'pytorch', setting: { ...rest, batch }, policy: 'cheapest', cards: ['a100-80'] }); // prettier-ignore
    expect(cheapest.flopsOverTape).toBe(1);
    await expect(
      answer({ stack: 'tfjs', setting: { ...rest, batch }, policy: [], cards: [] }),
    ).rejects.toThrow('no tensors of 16 bits');
  });
  it('every policy has a name of its own', () => expect(policies).toHaveLength(16));
});
