// Machine code that was seen to open and compute on this machine. What was not is tried in a process of its own first: a
// library that the system or the processor does not suit ends the process that loads it, and no error says why.
import { existsSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import { isDiskError, writeJsonAtomic } from '../base/files';
import { sha256OfValue } from '../base/hash';
import { cacheDir } from '../base/paths';
import type { BackendName } from './backend';
import { tryBackend } from './probe';

/**
 * Make sure that loading a backend does not end this process.
 * @param files  its machine code
 * @throws InputError with what it said when it fails in a process of its own
 */
export async function guard(name: BackendName, files: string[], signal?: AbortSignal): Promise<void> {
  const seen = cacheDir('backends', `${name}-${stampOf(files)}.json`);
  if (existsSync(seen)) return;
  const { device, versions } = await tryBackend(name, { signal });
  try {
    writeJsonAtomic(seen, { name, device, versions, files });
  } catch (error) {
    // Then it is tried again next time.
    if (!isDiskError(error)) throw error;
  }
}

/** All that may decide whether it loads: its files, the processor, the system, the driver, and what the environment says. */
function stampOf(files: string[]): string {
  const states = files.map((file) => {
    const { size, mtimeMs } = statSync(file);
    return { file, size, mtimeMs };
  });
  const told = Object.entries(process.env).filter(([key]) => /^(?:TF_|XLA_|CUDA|NVIDIA_|LD_)/.test(key));
  return sha256OfValue({
    states,
    cpu: os.cpus()[0]?.model ?? '',
    system: [os.platform(), os.arch(), os.release(), process.version],
    driver: driverText(),
    env: Object.fromEntries(told),
  }).slice(0, 16);
}

function driverText(): string {
  try {
    return readFileSync('/proc/driver/nvidia/version', 'utf8');
  } catch {
    return '';
  }
}
