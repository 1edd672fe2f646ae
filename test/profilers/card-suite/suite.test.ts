// The suite's course: what is wrong, crashes or is stopped costs what it was at, and nothing else.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRed, outcomeText } from '../../../src/profilers/card-suite/outcome';
import type { Part } from '../../../src/profilers/card-suite/part';
import { partsOf } from '../../../src/profilers/card-suite/parts';
import { rehearsalId, rehearsalNote } from '../../../src/profilers/card-suite/record';
import type { SuiteDone } from '../../../src/profilers/card-suite/suite';
import { runSuite } from '../../../src/profilers/card-suite/suite';
import { rehearsedSampling } from '../../../src/profilers/card-suite/units';
import type { Request } from '../../../src/profilers/card-suite/work';
import { readStudy } from '../../../src/results/store';
import { describeWith, python } from '../../setup/peers';
import { swiftshaderEnvironment } from '../../setup/swiftshader';

let out: string;
beforeEach(() => (out = mkdtempSync(path.join(os.tmpdir(), 'coc-suite-'))));
afterEach(() => rmSync(out, { recursive: true, force: true }));

const starts = (): string => path.join(out, 'starts.txt');

/** A part whose process has faults planted, on the cpu backend. */
function planted(units: string[], env: NodeJS.ProcessEnv = {}): Part {
  return {
    name: 'cpu checks',
    units,
    patience: 60,
    program: (some) => {
      const request: Request = {
        engine: 'cpu',
        task: 'checks',
        units: some,
        rehearse: true,
        sampling: rehearsedSampling,
      };
      const task = path.join(__dirname, 'planted-task.cjs');
      return {
        command: [process.execPath, task, JSON.stringify(request)],
        env: { COC_TEST_STARTS: starts(), ...env },
      };
    },
  };
}

const table = ({ study }: SuiteDone, end: string) =>
  study.findings.find(({ id }) => id === `${rehearsalId}.${end}`)!.table!.rows;
const rehearse = (parts: Part[], more = {}) => runSuite({ rehearse: true, out, parts, ...more });

describe('faults', () => {
  it('lists a wrong kernel, one that throws and one that ends its process, and goes on after each', async () => {
    const done = await rehearse([planted(['neg', 'erf', 'tanh', 'sin', 'abs'])]);
    expect(table(done, 'checks').map((row) => [row.case, row.status])).toEqual([
      ['neg', 'right'],
      ['erf', 'wrong'],
      ['tanh', 'failed'],
      ['sin', 'wrong'],
      ['abs', 'right'],
    ]);
    const [neg, erf, tanh, sin] = table(done, 'checks');
    expect(neg).toMatchObject({ engine: 'cpu', message: '' });
    expect(erf.value).toBeGreaterThan(0.1);
    expect(erf.message).toMatch(/^value of .* wrong: error/);
    expect(tanh.message).toMatch(/^its process ended by SIGKILL/);
    expect(sin.message).toContain('planted');
    expect(isRed(done.study)).toBe(true);
    expect(outcomeText(done.study)).toContain('cpu: wrong erf: value of');
    // The case that ended the process is not tried again.
    expect(readFileSync(starts(), 'utf8')).toBe('neg erf tanh sin abs\nsin abs\n');
  });

  it('goes on where it was stopped, and runs nothing that is done', async () => {
    const parts = [planted(['neg', 'tanh', 'cos'])];
    const stopped = await rehearse(parts, { limitSeconds: 0 });
    expect(table(stopped, 'parts')).toMatchObject([{ state: 'not finished: 3 of 3 units are missing' }]);
    expect(existsSync(starts())).toBe(false);
    await rehearse(parts);
    const again = await rehearse(parts);
    expect(readFileSync(starts(), 'utf8')).toBe('neg tanh cos\ncos\n');
    expect(table(again, 'parts')).toMatchObject([{ state: 'done', units: 3, done: 2, failed: 1 }]);
    await rehearse(parts, { anew: true });
    expect(readFileSync(starts(), 'utf8').split('\n')).toHaveLength(5);
  });

  it('a process that does not get as far as its first unit is a part that is not testable here', async () => {
    const done = await rehearse([planted(['neg'], { COC_TEST_DIE: '1' })]);
    expect(table(done, 'parts')).toMatchObject([
      {
        state: expect.stringMatching(
          /^not testable here: its process ended by SIGKILL before its first unit/,
        ) as string,
      },
    ]);
  });

  it('a program that is not there is such a part, too', async () => {
    const part = { ...planted(['neg']), program: () => ({ command: ['/nowhere/python'] }) };
    const [row] = table(await rehearse([part]), 'parts');
    expect(row.state).toContain('could not be started');
  });

  it('an abort keeps what is done', async () => {
    const controller = new AbortController();
    const progress = (): void => {
      if (existsSync(starts())) controller.abort();
    };
    const parts = [planted(['neg', 'cos', 'sqrt', 'exp', 'log', 'abs'])];
    await expect(rehearse(parts, { signal: controller.signal, progress })).rejects.toThrow('interrupted');
    expect(table(await rehearse(parts), 'parts')).toMatchObject([{ state: 'done', done: 6 }]);
  });

  it('an unknown part is refused', async () => {
    await expect(rehearse([planted(['neg'])], { only: ['opencl'] })).rejects.toThrow(
      'cannot choose parts of the card suite: given opencl, expected cpu checks',
    );
  });
});

describe('without a card', () => {
  it('says why nothing is testable, ends with 1 and writes nothing', () => {
    const coc = path.resolve('src/cli/coc.cjs');
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      [coc, 'gpu-suite', '--out', path.join(out, 'x')],
      {
        encoding: 'utf8',
        env: { ...process.env, PATH: '', VK_DRIVER_FILES: '/nowhere.json' },
      },
    );
    expect(stderr).toMatch(
      /^not testable here: the card suite: given no card: nvidia-smi lists none, and WebGPU has /,
    );
    expect(stdout).toBe('');
    expect(status).toBe(1);
    expect(existsSync(path.join(out, 'x'))).toBe(false);
  });

  it('a part whose engine finds no card is refused unless it is rehearsed', async () => {
    const part = partsOf({ rehearse: true, python }).find(({ name }) => name === 'webgpu times')!;
    const asked = JSON.parse(part.program(part.units).command[2]) as Request;
    const request: Request = { ...asked, engine: 'cpu', rehearse: false };
    const program = (): ReturnType<Part['program']> => ({
      command: [...part.program(part.units).command.slice(0, 2), JSON.stringify(request)],
    });
    const [row] = table(await rehearse([{ ...part, program }]), 'parts');
    expect(row.state).toMatch(/^not testable here: it computes on .*, not on a card$/);
  });
});

/** The part of another engine, on the cpu backend. */
function onCpu(name: string): Part {
  const part = partsOf({ rehearse: true, python }).find((one) => one.name === `webgpu ${name}`)!;
  const program = (units: readonly string[]): ReturnType<Part['program']> => {
    const [node, task, text] = part.program(units).command;
    const request = { ...(JSON.parse(text) as Request), engine: 'cpu' };
    return { command: [node, task, JSON.stringify(request)] };
  };
  return { ...part, name: `cpu ${name}`, program };
}

describeWith('torch', 'PyTorch beside the cpu backend', () => {
  it('every timed unit and training step is the same on both: one list, one set of numbers', async () => {
    const torch = partsOf({ rehearse: true, python }).filter(({ name }) =>
      /^torch (times|steps)$/.test(name),
    );
    const done = await rehearse([onCpu('times'), onCpu('steps'), ...torch]);
    const rows = table(done, 'times');
    const [cpu] = done.parts;
    expect(rows).toHaveLength(2 * cpu.units.length);
    for (const row of rows)
      expect(row, String(row.unit)).toMatchObject({ agrees: 'yes', rate: expect.any(Number) as number });
    for (const row of table(done, 'steps')) expect(row, String(row.step)).toMatchObject({ agrees: 'yes' });
    expect(table(done, 'steps').map(({ engine }) => engine)).toEqual(['cpu', 'cpu', 'torch', 'torch']);
    expect(table(done, 'goals')[0].verdict).toContain('not testable here: webgpu: not run');
    expect(isRed(done.study)).toBe(false);
  }, 120_000);
});

describeWith('swiftshader', 'a rehearsal on SwiftShader', () => {
  it('times, features, tilings and memory of webgpu; the record says that it is a rehearsal', async () => {
    const outer = { ...process.env };
    Object.assign(process.env, swiftshaderEnvironment());
    try {
      const done = await runSuite({
        rehearse: true,
        out,
        only: ['webgpu times', 'webgpu features', 'webgpu memory'],
      });
      expect(readStudy(done.file)).toEqual(done.study);
      expect(done.study).toMatchObject({
        study: 'card-suite-rehearsal',
        provenance: { mode: 'quick', device: { gpu: null }, notes: [rehearsalNote] },
      });
      expect(table(done, 'parts').filter(({ state }) => state === 'done')).toHaveLength(3);
      expect(table(done, 'features')[0]).toEqual({ what: 'timestamp-query', value: 'yes' });
      const tiled = table(done, 'tilings');
      expect(tiled.map(({ numbers }) => numbers).sort()).toEqual([
        ...Array<string>(5).fill('float16'),
        ...Array<string>(5).fill('float32'),
      ]);
      for (const { numbers, error, ms, rate, message } of tiled)
        if (numbers === 'float32') {
          expect(error).toBeLessThan(1e-5);
          // 2 x 64 cubed operations in so many milliseconds.
          expect(Number(rate) * Number(ms)).toBeCloseTo(0.524288, 2);
        } else expect({ ms, message }).toEqual({ ms: null, message: 'the adapter has no shader-f16' });
      const [block] = table(done, 'memory');
      // 4 MiB of numbers, and the parameters of the kernel that fills them.
      expect(block).toMatchObject({ engine: 'webgpu', step: 'block of 4 MiB' });
      expect(Number(block.buffers) - 4).toBeLessThan(0.001);
      expect(block.buffers).toBeGreaterThanOrEqual(4);
      expect(table(done, 'parts').find(({ part }) => part === 'torch times')).toMatchObject({
        state: 'not run',
      });
      expect(isRed(done.study)).toBe(false);
    } finally {
      process.env = outer;
    }
  }, 180_000);
});

describeWith('native-gpu', "TensorFlow's form for cards, on the processor", () => {
  it("TensorFlow's allocator is read from its log: a block of known size", async () => {
    const outer = { ...process.env };
    process.env.COC_NATIVE_FORM = 'gpu';
    try {
      const done = await runSuite({ rehearse: true, out, only: ['tensorflow memory'] });
      const rows = table(done, 'memory');
      expect(rows).toHaveLength(3);
      expect(rows[0]).toMatchObject({
        step: 'block of 4 MiB',
        message: expect.stringContaining('bfc') as string,
      });
      expect(Number(rows[0].allocator) - 4).toBeLessThan(0.01);
      expect(rows[0].allocator).toBeGreaterThanOrEqual(4);
    } finally {
      process.env = outer;
    }
  }, 120_000);
});
