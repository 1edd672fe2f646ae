// What a reproduce does about native TensorFlow, on machines made of small files.
import { readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { installNative } from '../../src/backends/native/install';
import { Interrupted } from '../../src/base/errors';
import { nativeStep, plannedNative, plannedNativeText, wantsNative } from '../../src/reproduce/native';
import { fakeMachine, filesBelow } from '../backends/native/fake';

const machine = fakeMachine();

describe('the first step of a run', () => {
  it('is taken unless it is declined', () => {
    const wanted = (value: string | undefined, option?: boolean): boolean => {
      vi.stubEnv('COC_NATIVE', value);
      return wantsNative(option);
    };
    expect([wanted(undefined), wanted(''), wanted('1'), wanted(undefined, true)]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([wanted('0'), wanted('0', true), wanted(undefined, false), wanted('1', false)]).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(() => wanted('no')).toThrow(/given COC_NATIVE=no, expected 0/);
  });

  it('installs native TensorFlow where it can be had, and says what', async () => {
    const said: string[] = [];
    const report = await nativeStep((line) => said.push(line), {}, machine.host);
    expect(report).toEqual({ step: 'engine', line: 'native TensorFlow 9.9.9 for the processor', skips: [] });
    expect(said[0]).toMatch(/^TensorFlow 9\.9\.9 for the processor: 351 kB to fetch by pip/);
  });

  it('puts the binding back without a word where it is installed', async () => {
    await installNative({}, machine.host);
    const lib = path.join(machine.host.packageDir('cpu')!, 'lib');
    rmSync(lib, { recursive: true });
    const calls = [machine.calls('pip'), machine.calls('g++')];
    const said: string[] = [];
    const { line } = await nativeStep((text) => said.push(text), {}, machine.host);
    expect([line, said]).toEqual(['native TensorFlow 9.9.9 for the processor', []]);
    expect(readlinkSync(path.join(lib, 'napi-v8', 'tfjs_binding.node'))).toContain(machine.host.home);
    expect([machine.calls('pip'), machine.calls('g++')]).toEqual(calls);
  });

  it.each([
    ['no pip', () => machine.program('pip3'), /^wasm\. cannot install native TensorFlow: given no pip/],
    [
      'no compiler',
      () => machine.program('g++'),
      /^wasm\. cannot install native TensorFlow: given no C\+\+ compiler/,
    ],
    ['a cut download', () => void vi.stubEnv('FAKE_PIP', 'cut'), /^wasm\. cannot fetch tensorflow_cpu-9/],
    [
      'a wrong gradient',
      () => machine.binding('wrong gradient'),
      /^wasm\. native TensorFlow was built, but its check failed/,
    ],
    [
      'a mistake of ours',
      () =>
        void (machine.host.glibc = () => {
          throw new TypeError('oops');
        }),
      /^wasm\. oops/,
    ],
  ])('goes on with wasm for %s, and says so once, with what to do', async (_, breakIt, expected) => {
    breakIt();
    const said: string[] = [];
    const { line } = await nativeStep((text) => said.push(text), {}, machine.host);
    expect(line).toMatch(expected);
    expect(said.join()).not.toContain('What to do');
  });

  it('ends when the run is stopped', async () => {
    await expect(nativeStep(() => {}, { signal: AbortSignal.abort() }, machine.host)).rejects.toBeInstanceOf(
      Interrupted,
    );
    expect(filesBelow(machine.host.home)).toEqual([]);
  });
});

describe('a plan', () => {
  const text = async (option?: boolean): Promise<string> =>
    plannedNativeText(await plannedNative(option, machine.host));

  it('says what would be installed, and fetches nothing', async () => {
    vi.stubEnv('COC_NATIVE', undefined);
    expect(await text()).toBe(
      'Engine: native TensorFlow will be installed first: 351 kB by pip, 350 kB on disk (--no-native declines)',
    );
    expect(filesBelow(machine.host.home)).toEqual([]);
    expect(await text(false)).toMatch(/not installed, and declined/);
    machine.program('g++');
    expect(await text()).toMatch(/^Engine: wasm\. .*no C\+\+ compiler/);
    machine.program('g++', 'exit 0');
    machine.host.platform = 'win32';
    expect(await text()).toMatch(/^Engine: wasm\. .*given win32 on x64/);
  });

  it('says that it is there', async () => {
    await installNative({}, machine.host);
    expect(await text()).toBe('Engine: native TensorFlow, installed');
  });
});
