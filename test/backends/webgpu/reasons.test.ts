// Why webgpu cannot be used on a machine: each reason is provoked, and says what to do.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AdapterDescription, Look } from '../../../src/backends/webgpu/adapter';
import { adapterName, driverOf, isSoftware, lookAtAdapter } from '../../../src/backends/webgpu/adapter';
import { checkVulkan, dawnEntry, noAdapter } from '../../../src/backends/webgpu/dawn';
import { missingLoader, vulkanDrivers } from '../../../src/backends/webgpu/vulkan';
import { describeWith } from '../../setup/peers';
import { swiftshaderEnvironment } from '../../setup/swiftshader';

const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-webgpu-'));

/** A stand-in for the package `webgpu`. */
function standIn(name: string, source: string): string {
  const file = path.join(folder, `${name}.mjs`);
  writeFileSync(file, source);
  return file;
}
async function reasonOf(entry: string, patience?: number): Promise<string> {
  const look = await lookAtAdapter(entry, undefined, patience);
  if (look.adapter !== null) throw new Error('there is an adapter');
  return noAdapter(look).message;
}

describe('reasons', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('no package', () => {
    expect(() => dawnEntry(path.join(folder, 'elsewhere.js'))).toThrow(
      /^cannot open the backend webgpu: given the npm package webgpu, which is optional, is not installed.* What to do: run `npm ci` without --omit=optional$/,
    );
    expect(dawnEntry()).toMatch(/webgpu/);
  });

  it.runIf(process.platform === 'linux')('no Vulkan loader', () => {
    const nowhere = path.join(folder, 'libvulkan.so.1');
    expect(missingLoader(nowhere)).toMatch(/cannot open shared object file/);
    expect(() => checkVulkan(nowhere, ['a driver'])).toThrow(
      /given no Vulkan loader \(.*cannot open shared object file.*\), expected libvulkan.so.1. What to do: .*apt install libvulkan1/,
    );
    // Any library will do to show that one is found.
    expect(missingLoader('libm.so.6')).toBeUndefined();
  });

  it.runIf(process.platform === 'linux')('no driver', () => {
    expect(() => checkVulkan('libm.so.6', [])).toThrow(
      /given no Vulkan driver is described on this machine .* What to do: install the driver of the card/,
    );
    expect(() => checkVulkan('libm.so.6', ['one'])).not.toThrow();
  });

  it('looks for drivers where the Vulkan loader does', () => {
    const icd = path.join(folder, 'data', 'vulkan', 'icd.d');
    mkdirSync(icd, { recursive: true });
    writeFileSync(path.join(icd, 'a_card.json'), '{}');
    writeFileSync(path.join(icd, 'readme.txt'), '');
    const found = vulkanDrivers({ XDG_DATA_HOME: path.join(folder, 'data') });
    expect(found).toContain(path.join(icd, 'a_card.json'));
    expect(found.some((file) => file.endsWith('.txt'))).toBe(false);
    expect(vulkanDrivers({ VK_DRIVER_FILES: '/one.json:/two.json', XDG_DATA_HOME: folder })).toEqual([
      '/one.json',
      '/two.json',
    ]);
    expect(vulkanDrivers({ VK_ICD_FILENAMES: '/old.json' })).toEqual(['/old.json']);
  });

  it('a library of the system that is too old', async () => {
    const entry = standIn(
      'old',
      'throw new Error("/lib/libc.so.6: version `GLIBC_2.34\' not found (required by dawn.node)")',
    );
    expect(await reasonOf(entry)).toMatch(
      /given Dawn does not load here \(.*GLIBC_2.34' not found.*\), expected glibc 2.34 or newer.* COC_BACKEND=wasm/,
    );
  });

  it('no build of Dawn for the platform', async () => {
    const entry = standIn('platform', "await import('./dist/plan9-x64/dawn.node')");
    expect(await reasonOf(entry)).toMatch(
      /given the package webgpu does not load \(Cannot find module .*plan9.*\), expected a build of Dawn for this platform/,
    );
  });

  it('a driver that crashes takes only the look with it', async () => {
    const entry = standIn('crash', "export const create = () => process.kill(process.pid, 'SIGSEGV')");
    expect(await reasonOf(entry)).toMatch(
      /given the driver failed while Dawn looked for a card \(ended by SIGSEGV.*\), expected a working driver.*vulkaninfo/,
    );
  });

  it('a driver that never answers', async () => {
    const never =
      'export const create = () => ({ requestAdapter: () => new Promise(() => setInterval(() => {}, 1e3)) })';
    expect(await reasonOf(standIn('never', never), 1500)).toMatch(/failed .*\(no answer in 1.5 s\)/);
  });

  it('a look is stopped by its signal', async () => {
    const never = standIn(
      'stopped',
      'export const create = () => ({ requestAdapter: () => new Promise(() => setInterval(() => {}, 1e3)) })',
    );
    await expect(lookAtAdapter(never, AbortSignal.timeout(300))).rejects.toThrow(/abort/i);
  });

  it('knows a card from a program', () => {
    const card: AdapterDescription = {
      vendor: 'nvidia',
      architecture: 'hopper',
      device: 'nvidia-h100',
      description: 'NVIDIA: 550.54.14',
      isFallbackAdapter: false,
    };
    expect(isSoftware(card)).toBe(false);
    expect(adapterName(card)).toBe('nvidia hopper nvidia-h100');
    expect(driverOf(card)).toBe('NVIDIA: 550.54.14');
    expect(isSoftware({ ...card, isFallbackAdapter: true })).toBe(true);
    for (const words of ['llvmpipe (LLVM 15.0.6)', 'SwiftShader Device', 'Microsoft Basic Render Driver'])
      expect(isSoftware({ ...card, vendor: 'mesa', device: words })).toBe(true);
    expect(adapterName({ ...card, vendor: '', architecture: '', device: '' })).toBe('NVIDIA: 550.54.14');
    expect(driverOf({ ...card, vendor: 'amd', description: '' })).toBeNull();
  });
});

describeWith('swiftshader', 'reasons that Dawn itself gives', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('a driver that is described and is not there', async () => {
    for (const [name, value] of Object.entries(swiftshaderEnvironment())) vi.stubEnv(name, value);
    vi.stubEnv('VK_DRIVER_FILES', path.join(folder, 'gone.json'));
    const look: Look = await lookAtAdapter(dawnEntry());
    expect(look).toMatchObject({ adapter: null, problem: 'none' });
    expect(noAdapter(look as Look & { adapter: null }).message).toMatch(
      /given no adapter \(.*gone.json.*\), expected a card that its driver can open. What to do: .*vulkaninfo/,
    );
  });

  it('finds SwiftShader, and says what it is', async () => {
    for (const [name, value] of Object.entries(swiftshaderEnvironment())) vi.stubEnv(name, value);
    const { adapter } = await lookAtAdapter(dawnEntry());
    expect(adapter).toMatchObject({ vendor: 'google', architecture: 'swiftshader' });
    expect(isSoftware(adapter!)).toBe(true);
  });
});
