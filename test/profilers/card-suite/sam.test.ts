// SAM's training steps in the suite: what is said of a reading, whatever its end; and rehearsals of both stacks.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRed, outcomeText } from '../../../src/profilers/card-suite/outcome';
import type { Part, PartState } from '../../../src/profilers/card-suite/part';
import { partsOf, samEnvironment } from '../../../src/profilers/card-suite/parts';
import { rehearsalId } from '../../../src/profilers/card-suite/record';
import type { SamResult } from '../../../src/profilers/card-suite/sam';
import {
  refusalOf,
  roomUnit,
  samEnd,
  samReading,
  samReadings,
  samResultSchema,
} from '../../../src/profilers/card-suite/sam';
import type { SamPrinted } from '../../../src/profilers/card-suite/sam-allocator';
import { samAllocatorReader } from '../../../src/profilers/card-suite/sam-allocator';
import {
  discNumbers,
  spreadNumbers,
  spreadTensors,
  tableLength,
  tableNumber,
} from '../../../src/profilers/card-suite/sam-numbers';
import { judged, samGoalsTable, samTable } from '../../../src/profilers/card-suite/sam-rows';
import { torchSamRequest } from '../../../src/profilers/card-suite/sam-step';
import type { SuiteDone } from '../../../src/profilers/card-suite/suite';
import { runSuite } from '../../../src/profilers/card-suite/suite';
import { networkOf } from '../../../src/profilers/vram/step';
import { settingOf } from '../../../src/profilers/card-suite/sam';
import { unitMark } from '../../../src/profilers/card-suite/messages';
import { describeWith, hasPeer, python } from '../../setup/peers';

const [MiB, GiB] = [2 ** 20, 2 ** 30];

describe('numbers', () => {
  it('of the table are spread evenly from -1 to 1, and its repeats do not fall together', () => {
    const all = Float64Array.from({ length: tableLength }, (_, i) => tableNumber(i));
    const mean = all.reduce((a, b) => a + b) / all.length;
    const square = all.reduce((a, b) => a + b * b, 0) / all.length;
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(square).toBeCloseTo(1 / 3, 2);
    expect(Math.min(...all)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...all)).toBeLessThan(1);
    // Two rows of a weight as wide as ViT-H's perceptron.
    const values = spreadNumbers(200 * 5120, { centre: 0, half: 1, nth: 3 });
    const row = (k: number): string => values.subarray(k * 5120, k * 5120 + 8).join();
    expect(new Set(Array.from({ length: 200 }, (_, k) => row(k))).size).toBe(200);
    for (const i of [0, 65_536, 65_537, 1_000_000])
      expect(values[i]).toBe(Math.fround(tableNumber((3 * 7919 + i) % tableLength)));
  });

  it('of labels are discs whose radius grows', () => {
    const area = (nth: number): number => discNumbers(64, nth).reduce((a, b) => a + b) / 64 ** 2;
    for (const nth of [0, 1, 2]) expect(area(nth)).toBeCloseTo(Math.PI * ((nth + 2) / 10) ** 2, 2);
  });

  it('every tensor of the network has a name of its own in PyTorch, and a place of its own', () => {
    const tensors = spreadTensors(
      networkOf(settingOf(samReading(false, 'torch', 'sam-vit-h, 3 planes, one graph')!)),
    );
    expect(new Set(tensors.map(({ name }) => name)).size).toBe(tensors.length);
    expect(tensors.filter(({ name }) => name.includes('.lora.'))).toHaveLength(4 * 32);
    expect(tensors.map(({ nth }) => nth)).toEqual(tensors.map((_, k) => k));
    for (const { half } of tensors) expect(half).toBeGreaterThan(0);
  });

  it('of a request go into one argument of a process', () => {
    for (const reading of samReadings(false, 'torch', 'sam memory'))
      expect(
        JSON.stringify({ units: [torchSamRequest(reading)], steps: 4, tf32: false, rehearse: false }).length,
      ).toBeLessThan(120_000);
  });
});

describe('readings', () => {
  it('have ids of their own, and a way that there is', () => {
    for (const stack of ['ours', 'torch'] as const) {
      const ids = samReadings(false, stack, 'sam memory').map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const id of ids) expect(samReading(false, stack, id)?.id).toBe(id);
      expect(samReadings(false, stack, 'sam times').every(({ limitBytes }) => limitBytes === null)).toBe(
        true,
      );
    }
    expect(() => samReadings(false, 'ours', 'sam memory').map(settingOf)).not.toThrow();
  });

  it('that are hopeless by dry run are not run, and others are', () => {
    expect(refusalOf(402.5 * GiB, 79.6 * GiB)).toBe('by dry run it needs 402.5 GiB where there are 79.6');
    expect(refusalOf(90 * GiB, 79.6 * GiB)).toBeUndefined();
    expect(refusalOf(402.5 * GiB, null)).toBeUndefined();
  });

  it('have their limit through the environment: on a card what is free less the limit', () => {
    const id = 'sam-vit-b, 1 plane, tape, 15 GiB';
    const printed: SamPrinted = { toldLimitMiB: 80_000, allocator: null };
    const state = {
      facts: null,
      refused: null,
      seconds: 0,
      units: { [roomUnit]: { result: samEnd('done', ''), printed } },
    };
    expect(samEnvironment(false, id, state)).toEqual({
      TF_DEVICE_MIN_SYS_MEMORY_IN_MB: String(80_000 - 15_360),
    });
    expect(samEnvironment(false, id, { ...state, units: {} })).toEqual({
      TF_DEVICE_MIN_SYS_MEMORY_IN_MB: '0',
    });
    expect(samEnvironment(false, roomUnit, state)).toEqual({ TF_DEVICE_MIN_SYS_MEMORY_IN_MB: '0' });
    expect(samEnvironment(false, 'sam-vit-b, 1 plane, tape', state)).toEqual({
      TF_DEVICE_MIN_SYS_MEMORY_IN_MB: '1024',
    });
    expect(samEnvironment(true, 'tiny-64, 3 planes, tape, 24 MiB')).toEqual({
      CUDA_VISIBLE_DEVICES: '-1',
      TF_CPU_BFC_MEM_LIMIT_IN_MB: '24',
    });
  });
});

describe('what is said of a reading', () => {
  const limited = samReading(false, 'ours', 'sam-vit-b, 3 planes, tape, 15 GiB')!;
  const free = samReading(false, 'ours', 'sam-vit-b, 3 planes, tape')!;
  const done: SamResult = { ...samEnd('done', ''), losses: [1], seconds: [1], firstSeconds: 1 };
  const exhausted = samEnd('out of memory', 'RESOURCE_EXHAUSTED: OOM');
  const allocator = {
    peakBytes: 5 * GiB,
    requestedBytes: 1,
    reservedBytes: 1,
    allocations: 1,
    failure: null,
  };
  const failure = { bytes: GiB, leftBytes: 2 * GiB, largestBytes: GiB / 2 };
  const told = (
    found: SamPrinted['allocator'],
    toldLimitMiB: number | null = 15_360,
  ): { printed: SamPrinted } => ({
    printed: { toldLimitMiB, allocator: found },
  });

  it('fits, does not fit, or neither', () => {
    expect(judged('ours', limited, { result: done, ...told(allocator) }, true)).toEqual({
      fits: true,
      message: '',
      peakBytes: 5 * GiB,
    });
    const full = judged('ours', limited, { result: exhausted, ...told({ ...allocator, failure }) }, true);
    expect(full.fits).toBe(false);
    expect(full.message).toBe(
      'RESOURCE_EXHAUSTED: OOM; 1.00 GiB were asked for, 2.00 left, 0.50 of it in one piece',
    );
    const neither: [PartState['units'][string], string][] = [
      [{ failed: 'TypeError: planted' }, 'failed: TypeError: planted'],
      [{ result: exhausted, ...told(allocator) }, 'not known: RESOURCE_EXHAUSTED: OOM (the allocator tells of no request that failed)'], // prettier-ignore
      [
        { result: done, ...told(null) },
        'not known: this TensorFlow did not use the allocator that has the limit',
      ],
      [{ result: done, ...told(allocator, null) }, 'not known: TensorFlow had a limit of no MiB where 15360 were asked for'], // prettier-ignore
      [{ result: done, ...told(allocator, 14_000) }, 'not known: TensorFlow had a limit of 14000 MiB where 15360 were asked for'], // prettier-ignore
      [{ result: samEnd('not run', 'by dry run'), ...told(null) }, 'not run: by dry run'],
    ];
    for (const [outcome, message] of neither)
      expect(judged('ours', limited, outcome, true)).toMatchObject({ fits: null, message });
  });

  it('a processor tells no limit, and without one none is asked for', () => {
    expect(judged('ours', limited, { result: done, ...told(allocator, null) }, false).fits).toBe(true);
    expect(judged('ours', free, { result: done, ...told(allocator, 79_000) }, true).fits).toBe(true);
  });

  it("is PyTorch's own word on its side", () => {
    expect(judged('torch', limited, { result: { ...exhausted, peakBytes: GiB } }, true)).toEqual({
      fits: false,
      message: 'RESOURCE_EXHAUSTED: OOM',
      peakBytes: GiB,
    });
    expect(judged('torch', limited, { failed: 'RuntimeError: CUDA error' }, true).fits).toBeNull();
  });
});

describe("the allocator's log", () => {
  const at = 'I0000 00:00:1795368051.103763   28913 bfc_allocator.cc';
  const lines = [
    'I0000 00:00:1795368051.103763   28913 gpu_device.cc:2020] Created device /job:localhost/replica:0/task:0/device:GPU:0 with 15360 MB memory:  -> device: 0, name: NVIDIA H100',
    `${unitMark.begin}what`,
    `${at}:328] AllocateRaw gpu_host_bfc  4096 0x1`,
    `${at}:616] New Peak memory usage of 4096 bytes for gpu_host_bfc`,
    `${at}:328] AllocateRaw GPU_0_bfc  1000 0x2`,
    `${at}:616] New Peak memory usage of 1024 bytes for GPU_0_bfc`,
    `${at}:281] AllocateRaw GPU_0_bfc  134217728`,
    `${at}:1049] BFCAllocator dump for GPU_0_bfc`,
    `${at}:1085] Next region of size 75497472`,
    `${at}:1105] Free  at 7fb2bf7fd040 of size 75497472 next 18446744073709551615`,
    `${at}:328] AllocateRaw GPU_0_bfc  134217728 0`,
  ];
  const read = (allocator?: string, more: string[] = []) => {
    const reader = samAllocatorReader(false, allocator);
    [...lines, ...more].forEach((line) => reader.line(line));
    return reader;
  };

  it('counts the card alone, and has the limit that TensorFlow told', () => {
    expect(read('GPU_0_bfc').results()).toEqual({
      what: {
        toldLimitMiB: 15_360,
        allocator: {
          peakBytes: 1024,
          requestedBytes: 1000,
          reservedBytes: 0,
          allocations: 1,
          failure: { bytes: 128 * MiB, leftBytes: 15 * GiB, largestBytes: 15 * GiB - 72 * MiB },
        },
      },
    });
    expect(read().results().what).toMatchObject({ allocator: { allocations: 2, peakBytes: 4096 } });
  });

  it('a death is one for want of memory in an upload alone that had no place', () => {
    expect(read('GPU_0_bfc').ended!('what', 'ended by SIGSEGV')).toBeUndefined();
    const uploading = [
      `limited process uploads ${16 * GiB}`,
      `${at}:328] AllocateRaw GPU_0_bfc  ${16 * GiB} 0`,
    ];
    expect(read('GPU_0_bfc', uploading).ended!('what', 'ended by SIGSEGV')).toMatchObject({
      end: 'out of memory',
      message: expect.stringMatching(
        /^its process ended by SIGSEGV during an upload of .*, for which/,
      ) as string,
    });
  });
});

describe('tables', () => {
  const parts = partsOf({ rehearse: false, python: 'python3' });
  const facts = { device: 'card', gpu: 'card', versions: {}, notes: [] };
  const done = (seconds: number, loss: number): SamResult => ({
    ...samEnd('done', '', 3 * GiB),
    seconds: [seconds, seconds],
    firstSeconds: 1,
    losses: [loss],
    peakBytes: 2 * GiB,
  });
  const states = (ours: number, loss = 0.5): Record<string, PartState> => {
    const state = (units: PartState['units']): PartState => ({ facts, refused: null, seconds: 1, units });
    const id = 'sam-vit-h, 3 planes, lean+chunked';
    const driver = { before: { card: 1, process: null }, peak: { card: 70_000, process: 69_000 } };
    return {
      'tensorflow sam times': state({
        [id]: { result: done(ours, loss) },
        'sam-vit-h, 3 planes, per-plane': { result: done(9, 0.5) },
        'sam-vit-h, 3 planes, tape': { result: samEnd('not run', 'too large') },
      }),
      'torch sam times': state({ 'sam-vit-h, 3 planes, one graph': { result: done(2, 0.5) } }),
      'tensorflow sam memory': state({
        [id]: { result: done(ours, loss), driver, printed: { toldLimitMiB: 80_000, allocator: { peakBytes: GiB, requestedBytes: 1, reservedBytes: 1, allocations: 1, failure: null } } }, // prettier-ignore
        'sam-vit-h, 3 planes, tape': { result: samEnd('not run', 'too large') },
      }),
    };
  };

  it('have the ratio to PyTorch’s eager step, every reading, and why one is missing', () => {
    const [row, tape] = samTable({ parts, states: states(1.5) })
      .rows.filter(({ engine }) => engine === 'tensorflow')
      .reverse();
    expect(row).toMatchObject({
      model: 'SAM ViT-H',
      planes: 3,
      way: 'lean+chunked',
      fits: 'yes',
      seconds: 1.5,
      ratio: 0.75,
      allocator: 1024,
      process: 69_000,
      card: 70_000,
      dry: 3072,
      agrees: 'yes',
      message: '',
    });
    expect(tape).toMatchObject({
      way: 'tape',
      fits: null,
      seconds: null,
      ratio: null,
      message: 'not run: too large',
    });
    const other = samTable({ parts, states: states(1.5, 0.51) }).rows.find(
      ({ way }) => way === 'lean+chunked',
    )!;
    expect(other.agrees).toBe('ANOTHER LOSS than tensorflow per-plane, torch one graph');
  });

  it('three planes of ViT-H by our fastest way at most as slow as PyTorch is met, more is missed', () => {
    const goal = (ours: number) =>
      samGoalsTable({ parts, states: states(ours) }).rows.find(
        ({ step }) => step === 'SAM ViT-H, three planes',
      )!;
    expect(goal(2)).toMatchObject({
      way: 'lean+chunked',
      ours: 2,
      peer: 2,
      ratio: 1,
      goal: 1,
      verdict: 'met',
    });
    expect(goal(2.01)).toMatchObject({ verdict: 'missed' });
    const none = samGoalsTable({ parts, states: {} }).rows;
    expect(none).toHaveLength(4);
    expect(none.filter((row) => row.goal !== null)).toHaveLength(1);
    expect(none[0].verdict).toBe(
      'not testable here: tensorflow sam times: not run; torch sam times: not run',
    );
  });
});

let out: string;
beforeEach(() => (out = mkdtempSync(path.join(os.tmpdir(), 'coc-sam-'))));
afterEach(() => rmSync(out, { recursive: true, force: true }));
const table = ({ study }: SuiteDone, end: string) =>
  study.findings.find(({ id }) => id === `${rehearsalId}.${end}`)!.table!.rows;
const partNamed = (name: string): Part =>
  partsOf({ rehearse: true, python }).find((part) => part.name === name)!;

describeWith('native-tensorflow', 'a rehearsal', () => {
  it(
    'of both stacks: the same losses, what fits, and what is out of memory',
    { timeout: 600_000 },
    async () => {
      const only = ['tensorflow sam', 'torch sam'];
      const done = await runSuite({ rehearse: true, out, only });
      const rows = table(done, 'sam');
      const of = (engine: string, way: string, limit: boolean) =>
        rows.find(
          (row) =>
            row.engine === engine && row.way === way && (row.limit !== null) === limit && row.planes === 3,
        )!;
      expect(of('tensorflow', 'tape', true)).toMatchObject({ fits: 'no', seconds: null });
      expect(of('tensorflow', 'tape', true).message).toMatch(
        /RESOURCE_EXHAUSTED: OOM|for which the allocator had no place/,
      );
      const best = 'per-plane+recompute+lean+chunked';
      expect(of('tensorflow', best, true)).toMatchObject({ fits: 'yes' });
      for (const way of ['captured', 'tape', best]) {
        const row = of('tensorflow', way, false);
        expect(row, way).toMatchObject({ fits: 'yes', process: null, card: null });
        expect(row.seconds, way).toBeGreaterThan(0);
        expect(row.allocator, way).toBeGreaterThan(11);
        expect(row.message, way).toContain('no driver: nvidia-smi does not answer');
      }
      expect(Number(of('tensorflow', best, false).allocator)).toBeLessThan(
        Number(of('tensorflow', 'tape', false).allocator),
      );
      expect(isRed(done.study)).toBe(false);
      if (!hasPeer('torch')) return;
      for (const row of rows.filter(({ limit }) => limit === null))
        expect(row, `${row.engine} ${row.way}`).toMatchObject({ agrees: 'yes' });
      expect(of('torch', 'one graph', true)).toMatchObject({ fits: 'no' });
      expect(of('torch', 'checkpointed', false).message).toContain(
        'no allocator: PyTorch counts a card alone',
      );
      expect(of('tensorflow', 'tape', false).ratio).toBeGreaterThan(0);
      expect(table(done, 'sam-goals')).toHaveLength(2);
      expect(outcomeText(done.study)).toContain("SAM's training steps");
    },
  );

  const planted = (fault: string, unit: string): Part => {
    const part = partNamed('tensorflow sam memory');
    const program: Part['program'] = (units, state) => {
      const { command, env } = part.program(units, state);
      return {
        command: [command[0], path.join(__dirname, 'planted-sam.cjs'), ...command.slice(2)],
        env: { ...env, COC_TEST_FAULT: fault },
      };
    };
    return { ...part, units: [unit], program };
  };
  const free = 'tiny-64, 1 plane, tape';
  const limited = 'tiny-64, 3 planes, per-plane+recompute+lean+chunked, 24 MiB';
  it.each<[string, string, string | null, RegExp, boolean]>([
    ['error', free, null, /^failed: .*planted/, true],
    ['killed', free, null, /^failed: its process ended by SIGKILL/, true],
    ['words', free, null, /^not known: .*the allocator tells of no request that failed/, false],
    [
      'upload',
      limited,
      'no',
      /ended by SIG\w+ during an upload of 101 MB, for which the allocator had no place/,
      false,
    ],
  ])('a planted end, %s, is what it is', { timeout: 60_000 }, async (fault, unit, fits, message, red) => {
    const done = await runSuite({ rehearse: true, out, parts: [planted(fault, unit)] });
    const [row] = table(done, 'sam');
    expect(row).toMatchObject({ fits, message: expect.stringMatching(message) as string });
    expect(isRed(done.study)).toBe(red);
  });
});

describeWith('torch', 'PyTorch', () => {
  it('that fails for another reason is not out of memory', { timeout: 60_000 }, async () => {
    const part = partNamed('torch sam memory');
    const program: Part['program'] = (units) => {
      const { command, env } = part.program(units);
      return { command: [...command.slice(0, 2), command[2].replace('"heads":3', '"heads":5')], env };
    };
    const units = ['tiny-64, 1 plane, one graph'];
    const done = await runSuite({ rehearse: true, out, parts: [{ ...part, units, program }] });
    expect(table(done, 'sam')[0]).toMatchObject({
      fits: null,
      message: expect.stringMatching(/^failed: /) as string,
    });
    expect(isRed(done.study)).toBe(true);
  });
});

it('what a process says has a form', () => {
  expect(() => samResultSchema.parse({ ...samEnd('done', ''), end: 'perhaps' })).toThrow();
});
