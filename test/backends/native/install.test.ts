// The install on machines that lack something, and on one that lacks nothing; pip, compiler and wheels are small stand-ins.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { installNative, nativeProspect } from '../../../src/backends/native/install';
import { forms, isKept, recipe } from '../../../src/backends/native/recipe';
import { removeNative } from '../../../src/backends/native/remove';
import { linkBinding, nativeState } from '../../../src/backends/native/state';
import { installStock } from '../../../src/backends/native/stock';
import { InputError, Interrupted, messageOf } from '../../../src/base/errors';
import { sha256 } from '../../../src/base/hash';
import { compilerBody, fakeMachine, filesBelow, pipBody } from './fake';

const machine = fakeMachine();

/** The files of a whole install of one form. */
const whole = (form: string, ...more: (string | RegExp)[]): unknown[] => [
  expect.stringMatching(new RegExp(`^tensorflow-9.9.9-${form}/binding-[0-9a-f]{16}/tfjs_binding.node$`)),
  ...more.map((name) => `tensorflow-9.9.9-${form}/${String(name)}`),
  `tensorflow-9.9.9-${form}/tensorflow/include/tensorflow/c/c_api.h`,
  `tensorflow-9.9.9-${form}/tensorflow/libtensorflow_cc.so.2`,
  `tensorflow-9.9.9-${form}/tensorflow/libtensorflow_framework.so.2`,
  `tensorflow-9.9.9-${form}/tensorflow/unpacked.json`,
];

async function failure(work: () => Promise<unknown>): Promise<string> {
  const error = await work().then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  return messageOf(error);
}

/** It failed before anything was fetched, and works when the reason is gone. */
async function failsEarly(expected: string): Promise<void> {
  expect(await failure(() => installNative({}, machine.host))).toContain(expected);
  expect(filesBelow(machine.host.home)).toEqual([]);
  expect(machine.calls('pip').filter((call) => call !== '--version')).toEqual([]);
}

async function worksNow(): Promise<void> {
  expect(await installNative({}, machine.host)).toMatchObject({ installed: 'cpu', tensorflow: '9.9.9' });
  expect(filesBelow(machine.host.home)).toEqual(whole('cpu'));
}

describe('the recipe', () => {
  it('names whole files, and no address', () => {
    for (const wheel of [...forms.map((form) => recipe.wheels[form]), ...recipe.cuda]) {
      expect(wheel.file).toMatch(/^[\w.-]+_x86_64\.whl$/);
      expect(wheel.file.startsWith(`${wheel.project.replaceAll('-', '_')}-${wheel.version}-`)).toBe(true);
      expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(JSON.stringify(recipe)).not.toMatch(/https?:|pypi|\.org|\.com/);
  });

  it('keeps libraries, headers that the binding includes, and what XLA runs on a card', () => {
    const kept = [
      'tensorflow/libtensorflow_cc.so.2',
      'tensorflow/include/tensorflow/c/eager/c_api.h',
      'nvidia/cudnn/lib/libcudnn.so.9',
      'nvidia/cuda_nvcc/bin/ptxas',
      'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
    ];
    const left = [
      'tensorflow/python/x.so',
      'tensorflow/include/Eigen/Core',
      'tensorflow/include/tensorflow/c/../../../../etc/x.h',
      'nvidia/cudnn/include/cudnn.h',
      'nvidia/__init__.py',
      'nvidia/cuda_runtime/lib/libcudart_static.a',
      'nvidia/../../x.so',
    ];
    expect(kept.filter(isKept)).toEqual(kept);
    expect(left.filter(isKept)).toEqual([]);
  });
});

describe('an install', () => {
  it('says sizes first, keeps libraries, headers and the checked binding, and links it', async () => {
    const said: string[] = [];
    const progress: string[] = [];
    const state = await installNative(
      { say: (line) => said.push(line), progress: (event) => progress.push(event.task) },
      machine.host,
    );
    const root = path.join(machine.host.home, 'tensorflow-9.9.9-cpu');
    expect(state).toEqual({
      installed: 'cpu',
      package: 'tfjs-node-native',
      tensorflow: '9.9.9',
      where: root,
    });
    expect(said[0]).toBe(
      `TensorFlow 9.9.9 for the processor: 351 kB to fetch by pip, 350 kB on disk (1.00 GB free), in ${machine.host.home}`,
    );
    expect(said.at(-1)).toMatch(/^Compiled and checked \(a known product, a known gradient\) in /);
    expect([...new Set(progress)]).toEqual([
      'download of tensorflow-cpu 9.9.9',
      'unpacking tensorflow-cpu 9.9.9',
    ]);
    expect(filesBelow(machine.host.home)).toEqual(whole('cpu'));
    const link = path.join(machine.host.packageDir('cpu')!, 'lib', 'napi-v8', 'tfjs_binding.node');
    expect(readlinkSync(link)).toMatch(
      /^.*\/tensorflow-9\.9\.9-cpu\/binding-[0-9a-f]{16}\/tfjs_binding\.node$/,
    );
    expect(readFileSync(link, 'utf8').trim()).toBe('right');
  });

  it('asks pip for the wheel of one version, whatever Python runs it, and keeps nothing in its cache', async () => {
    await installNative({}, machine.host);
    const [call] = machine.calls('pip').slice(-1);
    for (const option of [
      '--no-deps',
      '--only-binary=:all:',
      '--python-version=3.12',
      '--implementation=cp',
      '--platform=manylinux_2_27_x86_64',
      '--no-cache-dir',
    ])
      expect(call).toContain(option);
    expect(call).toMatch(/tensorflow-cpu==9\.9\.9$/);
    expect(call).not.toContain('index');
  });

  it('finds the libraries from where the binding lies, by a run path without the name of the cache', async () => {
    await installNative({}, machine.host);
    const [call] = machine.calls('g++').slice(-1);
    expect(call).toContain('-Wl,-rpath,$ORIGIN/../tensorflow');
    expect(call).toContain('-std=c++17');
  });

  it('is done once: again it calls neither pip nor compiler, and puts the binding back after npm ci', async () => {
    await installNative({}, machine.host);
    const calls = [machine.calls('pip'), machine.calls('g++')];
    const lib = path.join(machine.host.packageDir('cpu')!, 'lib');
    rmSync(lib, { recursive: true });
    expect(linkBinding(machine.host).installed).toBe('cpu');
    expect(existsSync(path.join(lib, 'napi-v8', 'tfjs_binding.node'))).toBe(true);
    await installNative({}, machine.host);
    expect([machine.calls('pip'), machine.calls('g++')]).toEqual(calls);
  });

  it('replaces a binding that lies beside the package by the link', async () => {
    const place = path.join(machine.host.packageDir('cpu')!, 'lib', 'napi-v8', 'tfjs_binding.node');
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, 'right');
    expect(nativeState(machine.host)).toEqual({
      installed: 'cpu',
      package: 'tfjs-node-native',
      tensorflow: null,
      where: place,
    });
    await worksNow();
    expect(readlinkSync(place)).toContain(machine.host.home);
  });

  it('compiles again, and fetches nothing, when the package has other sources', async () => {
    await installNative({}, machine.host);
    const pip = machine.calls('pip');
    appendFileSync(path.join(machine.host.packageDir('cpu')!, 'binding', 'tfjs_backend.cc'), '// changed\n');
    expect(nativeState(machine.host)).toMatchObject({
      problem: expect.stringContaining('no binding') as string,
    });
    await installNative({}, machine.host);
    expect(machine.calls('pip')).toEqual(pip);
    expect(nativeState(machine.host).installed).toBe('cpu');
  });

  it('makes a damaged library anew', async () => {
    await installNative({}, machine.host);
    const library = path.join(
      machine.host.home,
      'tensorflow-9.9.9-cpu',
      'tensorflow',
      'libtensorflow_cc.so.2',
    );
    writeFileSync(library, 'cut');
    expect(nativeState(machine.host).installed).toBe(null);
    await worksNow();
  });

  it.each(['', '{"files": "none"}'])('makes it anew where its list of files is %j', async (text) => {
    await installNative({}, machine.host);
    writeFileSync(path.join(machine.host.home, 'tensorflow-9.9.9-cpu', 'tensorflow', 'unpacked.json'), text);
    expect(nativeState(machine.host).installed).toBe(null);
    await worksNow();
  });

  it('clears away what a killed one left', async () => {
    for (const dir of ['tensorflow-9.9.9-cpu.1-a.tmp', 'tensorflow-9.9.9-cpu/binding-0123.1-a.tmp']) {
      mkdirSync(path.join(machine.host.home, dir), { recursive: true });
      writeFileSync(path.join(machine.host.home, dir, 'half'), '');
    }
    await worksNow();
  });

  it('takes pip of a Python where that is the one', async () => {
    machine.program('pip3');
    machine.program('python', `[ "$1" = -c ] && exit 5\nshift 2\n${pipBody}`);
    await worksNow();
  });

  it('does no harm at the same time as another', async () => {
    const said: string[] = [];
    const both = [1, 2].map(() => installNative({ say: (line) => said.push(line) }, machine.host));
    await Promise.all(both);
    expect(said.filter((line) => line.startsWith('Waiting for another install'))).toHaveLength(1);
    expect(machine.calls('pip').filter((call) => call.includes('download'))).toHaveLength(1);
    expect(filesBelow(machine.host.home)).toEqual(whole('cpu'));
  });

  it('ends when it is stopped: nothing half-made is left, no program goes on, and it can be run again', async () => {
    vi.stubEnv('FAKE_PIP', 'slow');
    const controller = new AbortController();
    const install = installNative({ signal: controller.signal }, machine.host);
    await vi.waitFor(() => expect(filesBelow(machine.host.home).join()).toContain('growing'), 5000);
    controller.abort();
    await expect(install).rejects.toBeInstanceOf(Interrupted);
    expect(filesBelow(machine.host.home)).toEqual([]);
    vi.stubEnv('FAKE_PIP', '');
    await worksNow();
  });

  it('is removed with all it has, and says how much that was', async () => {
    await installNative({}, machine.host);
    const { bytes } = removeNative(machine.host);
    expect(bytes).toBeGreaterThan(350_000);
    expect(filesBelow(machine.host.home)).toEqual([]);
    expect(
      existsSync(path.join(machine.host.packageDir('cpu')!, 'lib', 'napi-v8', 'tfjs_binding.node')),
    ).toBe(false);
    expect(nativeState(machine.host)).toMatchObject({
      installed: null,
      problem: 'not installed: run `npx coc native install`',
    });
    expect(removeNative(machine.host).bytes).toBe(0);
  });

  it('is not removed while another process installs it', async () => {
    vi.stubEnv('FAKE_PIP', 'slow');
    const controller = new AbortController();
    const install = installNative({ signal: controller.signal }, machine.host);
    await vi.waitFor(() => expect(filesBelow(machine.host.home).join()).toContain('growing'), 5000);
    expect(() => removeNative(machine.host)).toThrow(/which installs it/);
    controller.abort();
    await install.catch(() => undefined);
  });
});

describe('the form for cards', () => {
  it('without a card is built, says so, and fetches none of NVIDIA', async () => {
    const said: string[] = [];
    const state = await installNative({ form: 'gpu', say: (line) => said.push(line) }, machine.host);
    expect(state).toMatchObject({ installed: 'gpu', package: '@tensorflow/tfjs-node-gpu' });
    expect(said.at(-1)).toMatch(
      /^No NVIDIA card answers \(nvidia-smi\): it computes on the processor, and NVIDIA's libraries \(.*\) were not fetched\.$/,
    );
    expect(filesBelow(machine.host.home)).toEqual(whole('gpu'));
  });

  it('is chosen where nvidia-smi answers, with NVIDIA where the run path looks', async () => {
    const host = { ...machine.host, cards: () => Promise.resolve(['Card One']), hasDriver: () => true };
    machine.binding('card');
    const said: string[] = [];
    const state = await installNative({ say: (line) => said.push(line) }, host);
    expect(state.installed).toBe('gpu');
    expect(said).toContain('TensorFlow computes on Card One.');
    expect(filesBelow(host.home)).toEqual(whole('gpu', 'nvidia/cublas/lib/libcublas.so.12'));
  });

  it('gets NVIDIA later, when there is a card, and is checked again', async () => {
    await installNative({ form: 'gpu' }, machine.host);
    const host = { ...machine.host, cards: () => Promise.resolve(['Card One']), hasDriver: () => true };
    expect(nativeState(host).problem).toBe(
      "NVIDIA's libraries are missing: run `npx coc native install --gpu`",
    );
    // The stand-in still says that it uses no card.
    expect(await failure(() => installNative({ form: 'gpu' }, host))).toContain(
      'given TensorFlow does not find Card One, which nvidia-smi names',
    );
    expect(filesBelow(host.home)).toEqual(whole('gpu', 'nvidia/cublas/lib/libcublas.so.12'));
  });

  it('gives way to the one for the processor where it cannot be had, and says why', async () => {
    const host = { ...machine.host, cards: () => Promise.resolve(['Card One']), hasDriver: () => true };
    const said: string[] = [];
    const state = await installNative({ say: (line) => said.push(line) }, host);
    expect(state.installed).toBe('cpu');
    expect(said.join('\n')).toMatch(
      /does not find Card One.*The form for the processor is installed instead\./,
    );
    expect(await failure(() => installNative({ form: 'gpu' }, host))).toContain('--cpu');
  });

  it('is used where a driver is, else the other; COC_NATIVE_FORM decides', async () => {
    await installNative({ form: 'gpu' }, machine.host);
    await installNative({ form: 'cpu' }, machine.host);
    const driver = { ...machine.host, hasDriver: () => true };
    expect(linkBinding(machine.host).package).toBe('tfjs-node-native');
    expect(linkBinding(driver).package).toBe('@tensorflow/tfjs-node-gpu');
    vi.stubEnv('COC_NATIVE_FORM', 'gpu');
    expect(linkBinding(machine.host).package).toBe('@tensorflow/tfjs-node-gpu');
    vi.stubEnv('COC_NATIVE_FORM', 'tpu');
    expect(() => linkBinding(machine.host)).toThrow(/given COC_NATIVE_FORM=tpu, expected cpu or gpu/);
  });
});

describe('an install fails, before anything is fetched,', () => {
  it('on another platform', async () => {
    machine.host.platform = 'darwin';
    machine.host.arch = 'arm64';
    await failsEarly('given darwin on arm64, expected Linux on x64');
  });

  it('with musl', async () => {
    machine.host.glibc = () => undefined;
    await failsEarly(
      'given a Linux without glibc (musl, such as Alpine), expected a Linux with glibc 2.27 or newer',
    );
  });

  it.each(['2.26', '2.9', '1.99'])('with glibc %s', async (version) => {
    machine.host.glibc = () => version;
    await failsEarly(`given glibc ${version}, expected glibc 2.27 or newer`);
  });

  it('without the npm package', async () => {
    machine.host.packageDir = () => undefined;
    await failsEarly(
      'given no npm package tfjs-node-native in node_modules, expected the optional packages. What to do: run `npm ci --include=optional`',
    );
  });

  it('without a compiler', async () => {
    machine.program('g++');
    await failsEarly('given no C++ compiler (tried g++, c++, clang++)');
    machine.program('clang++', compilerBody);
    await worksNow();
  });

  it('with a CXX that is none', async () => {
    vi.stubEnv('CXX', 'ccache nothing++');
    await failsEarly('given no C++ compiler (tried ccache nothing++)');
  });

  it('without pip', async () => {
    machine.program('pip3');
    await failsEarly('given no pip (tried python3 -m pip, python -m pip, pip3, pip)');
  });

  it('with a COC_PYTHON that has none', async () => {
    vi.stubEnv('COC_PYTHON', '/nowhere/python');
    await failsEarly('given no pip (tried /nowhere/python -m pip), expected pip of any Python 3');
  });

  it('without room', async () => {
    machine.host.freeBytes = () => 1e6;
    await failsEarly(
      'given 1.00 MB free for ' + machine.host.home + ', expected 1.70 MB while it is installed',
    );
    machine.host.freeBytes = () => 1e8;
    await worksNow();
  });

  it('and says so beforehand', async () => {
    expect(await nativeProspect(machine.host)).toEqual({
      state: 'to install',
      form: 'cpu',
      fetchBytes: machine.host.recipe.wheels.cpu.bytes,
      diskBytes: 350_012,
    });
    machine.program('g++');
    expect(await nativeProspect(machine.host)).toMatchObject({
      state: 'impossible',
      reason: expect.stringContaining('no C++ compiler') as string,
    });
  });
});

describe('an install fails on the way, leaves nothing half-made, and can be run again,', () => {
  it.each([
    [
      'none',
      'given Could not find a version that satisfies the requirement tensorflow-cpu==9.9.9, expected tensorflow-cpu 9.9.9 in the index',
    ],
    [
      'cut',
      'given 0 B of 351 kB, then: Connection broken: IncompleteRead(100 bytes read, 900 more expected), expected the whole file',
    ],
    ['full', 'expected 351 kB while it is installed. What to do: make room'],
  ])('when pip says: %s', async (kind, expected) => {
    vi.stubEnv('FAKE_PIP', kind);
    expect(await failure(() => installNative({}, machine.host))).toContain(expected);
    expect(filesBelow(machine.host.home)).toEqual([]);
    vi.stubEnv('FAKE_PIP', '');
    await worksNow();
  });

  it('when the wheel is another one', async () => {
    const wheel = machine.host.recipe.wheels.cpu;
    const file = path.join(machine.wheels, wheel.file);
    const right = readFileSync(file);
    const wrong = Buffer.from(right);
    wrong[1000] ^= 1;
    writeFileSync(file, wrong);
    const message = await failure(() => installNative({}, machine.host));
    expect(message).toContain(`${wheel.file} is not the file that it should be, and was removed`);
    expect(message).toContain(`expected ${wheel.bytes} bytes with SHA-256 ${wheel.sha256}`);
    expect(filesBelow(machine.host.home)).toEqual([]);
    writeFileSync(file, right);
    await worksNow();
  });

  it('when the wheel is the right one, and no zip file', async () => {
    const noZip = Buffer.from('not a zip file');
    const wheel = machine.host.recipe.wheels.cpu;
    machine.host.recipe = {
      ...machine.host.recipe,
      wheels: {
        ...machine.host.recipe.wheels,
        cpu: { ...wheel, bytes: noZip.length, sha256: sha256(noZip) },
      },
    };
    writeFileSync(path.join(machine.wheels, wheel.file), noZip);
    expect(await failure(() => installNative({}, machine.host))).toContain(`cannot unpack ${wheel.file}`);
    expect(filesBelow(machine.host.home)).toEqual([`downloads/${wheel.file}`]);
  });

  it('when the compiler fails; what was fetched is kept', async () => {
    vi.stubEnv('FAKE_GXX', 'error');
    expect(await failure(() => installNative({}, machine.host))).toContain(
      'given g++ says: x.cc:1:10: fatal error: filesystem: No such file or directory, expected a compiler that knows C++17',
    );
    expect(filesBelow(machine.host.home)).toEqual(whole('cpu').slice(1));
    expect(nativeState(machine.host).problem).toBe(
      'the libraries are there, and no binding: run `npx coc native install`',
    );
    machine.program('pip3');
    vi.stubEnv('FAKE_GXX', '');
    await worksNow();
  });

  it.each([
    ['wrong product', 'given the product 19 22 43 51 in place of 19 22 43 50'],
    ['wrong gradient', 'given the gradient 454 618 1030 0 in place of 454 618 1030 1402'],
    ['other version', 'given TensorFlow 1.2.3 in place of 9.9.9'],
    ['crash', 'given it ends with 1: Error: libfoo.so.1: cannot open shared object file'],
    ['end', 'given it ends with a signal'],
  ])('when the check finds: %s', async (kind, expected) => {
    machine.binding(kind);
    const message = await failure(() => installNative({}, machine.host));
    expect(message).toContain('native TensorFlow was built, but its check failed, and it is not used');
    expect(message).toContain(expected);
    expect(filesBelow(machine.host.home)).toEqual(whole('cpu').slice(1));
    expect(existsSync(path.join(machine.host.packageDir('cpu')!, 'lib'))).toBe(false);
    machine.binding('right');
    await worksNow();
  });
});

describe('the stock binary', () => {
  it('that cannot be downloaded says so and leaves the package as it was', async () => {
    const dir = machine.host.packageDir('cpu')!;
    const before = filesBelow(dir);
    expect(await failure(() => installStock({}, machine.host))).toContain(
      "given Error: getaddrinfo ENOTFOUND nowhere.invalid, expected the package's own install script to download and place it",
    );
    expect(filesBelow(dir)).toEqual(before);
  });

  it('is checked like any other, and told from ours', async () => {
    const dir = machine.host.packageDir('cpu')!;
    const script = (kind: string): void =>
      writeFileSync(
        path.join(dir, 'scripts', 'install.js'),
        `const fs = require('fs'); fs.mkdirSync('lib/napi-v8', { recursive: true }); fs.writeFileSync('lib/napi-v8/tfjs_binding.node', '${kind}');`,
      );
    script('wrong gradient');
    expect(await failure(() => installStock({}, machine.host))).toContain('given the gradient');
    expect(existsSync(path.join(dir, 'lib'))).toBe(false);
    script('right');
    expect(await installStock({}, machine.host)).toMatchObject({ installed: 'cpu', tensorflow: null });
  });

  it('is refused where a newer one is installed', async () => {
    await installNative({}, machine.host);
    expect(await failure(() => installStock({}, machine.host))).toContain(
      'remove that first: `npx coc native remove`',
    );
  });
});
