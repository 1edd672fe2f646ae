// The bench's rows: what is compared with what, which miss, and what the run ends with.
import { describe, expect, it } from 'vitest';
import { dryRunStep } from '../../src/backends/meta/dry-run';
import { loraVit, nets, operations, planForPeer, triSiamese, unet3d } from '../bench/nets';
import { goalOf, leastBytes, sizeOf } from '../bench/steps/goals';
import type { Measured } from '../bench/steps/rows';
import { exitCodeOf, lineOf, rowOf, verdictOf } from '../bench/steps/rows';

const given = {
  name: 'a row',
  goal: 0.8,
  how: 'captured, graph',
  flop: 1e9,
  bytes: 1e6,
  rates: { gigaflops: 100, gigabytes: 10 },
};
const side = (...milliseconds: number[]): Measured => ({ milliseconds, losses: [3, 2, 1] });
const other = (milliseconds: number): Measured => ({ milliseconds: [milliseconds], losses: [3, 2.001, 1] });
const against = (ours: Measured, peers: Record<string, Measured>, goal: number | null = given.goal) =>
  rowOf({ ...given, goal }, ours, new Map(Object.entries(peers)));

describe('a row of the bench', () => {
  it('compares medians with the fastest peer', () => {
    const row = against(side(30, 12, 10), { slow: side(90), fast: side(16, 14, 40), third: side(17) });
    expect(row).toEqual({
      name: 'a row',
      oursMs: 12,
      peer: 'fast',
      peerMs: 16,
      ratio: 0.75,
      goal: 0.8,
      oursLeastMs: 10,
      peerLeastMs: 14,
      peers: { slow: 90, fast: 16, third: 17 },
      how: 'captured, graph',
      limitMs: 10,
      limitedBy: 'FLOP',
      otherLosses: [],
    });
    expect(verdictOf(row)).toBe('held');
    expect(exitCodeOf([row])).toBe(0);
  });

  it('misses above its goal: red, and the run fails', () => {
    const row = against(side(13), { fast: side(16) });
    expect(verdictOf(row)).toBe('MISSED');
    expect(lineOf(row, { colour: true })).toMatch(/^\u001b\[31m.*MISSED\u001b\[0m$/);
    expect(lineOf(row)).not.toContain('\u001b');
    expect(exitCodeOf([against(side(1), { fast: side(16) }), row])).toBe(1);
  });

  it('holds at its goal, green; without a goal it is reported, in no colour', () => {
    const held = against(side(8), { fast: side(10) });
    expect(lineOf(held, { colour: true })).toMatch(/^\u001b\[32m.*held\u001b\[0m$/);
    const reported = against(side(99), { fast: side(10) }, null);
    expect(verdictOf(reported)).toBe('no goal');
    expect(lineOf(reported, { colour: true })).not.toContain('\u001b');
    expect(exitCodeOf([held, reported])).toBe(0);
  });

  it('is not judged by who computed something else: it fails, and says who and where', () => {
    const row = against(side(1), { wrong: other(9), right: side(10) });
    expect(row.otherLosses).toEqual(['wrong: 2.001 in step 2, ours 2']);
    expect(row.peers).toEqual({ right: 10 });
    expect(verdictOf(row)).toBe('OTHER LOSSES');
    expect(exitCodeOf([row])).toBe(1);
    const nan = against({ milliseconds: [1], losses: [3, NaN, 1] }, { right: side(10) });
    expect(verdictOf(nan)).toBe('OTHER LOSSES');
  });

  it('with a goal and no peer is not judged, which fails', () => {
    const row = against(side(1), {});
    expect([row.peer, row.ratio, verdictOf(row), exitCodeOf([row])]).toEqual([null, null, 'not judged', 1]);
  });

  it('says what limits it', () => {
    const row = rowOf({ ...given, flop: 1e6, bytes: 1e8 }, side(20), new Map());
    expect([row.limitMs, row.limitedBy]).toEqual([10, 'bytes']);
    expect(lineOf(row)).toContain('50 % B');
  });
});

const tiny = [
  loraVit({ image: 12, patch: 3, width: 20, depth: 3, heads: 5, rank: 2, views: 3 }),
  triSiamese({
    image: 20,
    patch: 4,
    width: 12,
    depth: 3,
    heads: 3,
    window: 3,
    globalBlocks: [1],
    neck: 16,
    rank: 2,
  }),
  unet3d({ size: 24, base: 4, levels: 4, classes: 5 }),
];

describe('the rows of the bench', () => {
  const all = [...operations, ...nets];

  it('have names of their own, and the goals that were set', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    expect(nets.map(goalOf)).toEqual([1.05, 0.95, 0.8, 0.8, 0.95, 0.8, 0.3, 0.6, 0.85]);
    for (const plan of operations) {
      const size = sizeOf(plan);
      expect(goalOf(plan)).toBe(size !== undefined && size >= 512 ? 1.1 : null);
    }
    const named = (name: string) => goalOf(all.find((plan) => plan.name === name)!);
    expect(named('product 256')).toBeNull();
    expect(named('product 4 of 512')).toBe(1.1);
    expect(named('conv3d 32x32x32, 8 to 16')).toBeNull();
    expect(named('conv3d 32x32x32, 32 to 32')).toBe(1.1);
  });

  it('count FLOP and bytes as by hand', () => {
    const named = (name: string) => all.find((plan) => plan.name === name)!;
    expect(named('product 512').flop).toBe(2 * 512 ** 3);
    expect(leastBytes(named('product 512'))).toBe(4 * (2 * 512 ** 2 + 2));
    expect(named('product 4 of 512').flop).toBe(4 * 2 * 512 ** 3);
    expect(sizeOf(named('product [16, 1024, 64], second transposed'))).toBeCloseTo(1024);
    expect(named('conv2d 128x128, 64 to 64, stride 2').flop).toBe(3 * 2 * 64 * 64 * 9 * 64 * 64);
    // Adam reads and writes each trained value and both of its moments.
    const unet = named('U-Net 32 cubed, base 16');
    expect(leastBytes(unet)).toBe(4 * (2 * 32 ** 3 + 6 * 339_875));
  });

  it.each([...all, ...tiny])('$name has the FLOP that a dry run counts', ({ flop, inputs, ...plan }) => {
    const { name, loss, optimiser, trained, frozen } = plan;
    const dry = dryRunStep({ name, loss, optimiser, parameters: { trained, frozen } }, inputs);
    expect(dry.flops.total().products).toBe(flop);
  });

  it('are told to peers with every tensor', () => {
    const plan = planForPeer(operations[0]) as { tensors: { path: string; group: string }[] };
    expect(plan.tensors.map(({ group, path }) => `${group}/${path}`)).toEqual([
      'trained/scale',
      'frozen/a',
      'frozen/b',
    ]);
  });
});
