// Chromium's SwiftShader: a graphics card in software, so that WebGPU is tested on any machine. Debian's Chromium and
// Google's Chrome have it beside them, with a Vulkan loader.
import { existsSync, realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { missingLoader } from '../../src/backends/webgpu/vulkan';

const driver = 'vk_swiftshader_icd.json';

/** The folder with SwiftShader; undefined where there is none. */
export function swiftshader(): string | undefined {
  const named = process.env.COC_CHROMIUM;
  const beside = named !== undefined && existsSync(named) ? [path.dirname(realpathSync(named))] : [];
  const folder = [...beside, '/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'].find(
    (place) => existsSync(path.join(place, driver)),
  );
  if (folder === undefined) return undefined;
  const loader = path.join(folder, 'libvulkan.so.1');
  return missingLoader() === undefined || existsSync(loader) ? folder : undefined;
}

/** What a child process needs in its environment to find SwiftShader, and nothing else. */
export function swiftshaderEnvironment(): NodeJS.ProcessEnv {
  const folder = swiftshader()!;
  const libraries = [process.env.LD_LIBRARY_PATH, folder].filter(Boolean).join(path.delimiter);
  return { VK_DRIVER_FILES: path.join(folder, driver), LD_LIBRARY_PATH: libraries };
}

/** Let this process and its children find SwiftShader; call it before the backend webgpu is opened. */
export function useSwiftshader(): void {
  const missing = missingLoader();
  Object.assign(process.env, swiftshaderEnvironment());
  if (missing === undefined) return;
  // A library that is in the process already is found by its name. Node drops what is no module of its own, unless the
  // library is marked as never to be dropped (RTLD_NODELETE).
  const keep = 0x1000;
  try {
    process.dlopen(
      { exports: {} },
      path.join(swiftshader()!, 'libvulkan.so.1'),
      os.constants.dlopen.RTLD_NOW | keep,
    );
  } catch (error) {
    const still = missingLoader();
    if (still !== undefined) throw error;
  }
}
