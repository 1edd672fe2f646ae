// The adapter: which card, or which program that plays one.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

/** What WebGPU tells of an adapter. */
const description = z.object({
  vendor: z.string(),
  architecture: z.string(),
  device: z.string(),
  description: z.string(),
  isFallbackAdapter: z.boolean(),
});
export type AdapterDescription = z.infer<typeof description>;

/** Options of Dawn: without the first, times on the device are rounded to 0.1 ms. */
export const dawnOptions = ['disable-dawn-features=timestamp_quantization'];

/** What is asked of Dawn: the card rather than the processor's graphics. */
export const adapterOptions = { powerPreference: 'high-performance' } as const;

/** What a look at the adapters found: the one Dawn would take, or why there is none. */
export type Look =
  { adapter: AdapterDescription } | { adapter: null; problem: 'load' | 'none' | 'crash'; message: string };

/**
 * Ask Dawn for its adapter in a process of its own: a driver that crashes takes that process with it and not the
 * notebook's, and what Dawn and the drivers print stays out of the cell.
 * @param entry     the main file of the package `webgpu`
 * @param patience  how long the drivers may take, in milliseconds
 */
export async function lookAtAdapter(entry: string, signal?: AbortSignal, patience = 30_000): Promise<Look> {
  const program = `
    const options = JSON.parse(process.argv[1]);
    import(options.entry).then(async ({ create }) => {
      globalThis.gpu = create(options.dawn);
      const adapter = await gpu.requestAdapter(options.adapter);
      const i = adapter?.info;
      const found = i && { vendor: i.vendor, architecture: i.architecture, device: i.device,
        description: i.description, isFallbackAdapter: i.isFallbackAdapter };
      process.stdout.write(JSON.stringify({ found: found ?? null }), () => process.exit(0));
    }).catch((error) => process.stdout.write(JSON.stringify({ failed: String(error.message) }), () => process.exit(0)));`;
  const argument = JSON.stringify({
    entry: pathToFileURL(entry).href,
    dawn: dawnOptions,
    adapter: adapterOptions,
  });
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', program, argument], {
      timeout: patience,
      killSignal: 'SIGKILL',
      signal,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const answer = z
      .object({ found: description.nullish(), failed: z.string().optional() })
      .parse(JSON.parse(stdout));
    if (answer.found) return { adapter: answer.found };
    if (answer.failed !== undefined) return { adapter: null, problem: 'load', message: answer.failed };
    return { adapter: null, problem: 'none', message: said(stderr) };
  } catch (error) {
    if (signal?.aborted) throw error;
    const {
      killed,
      signal: by,
      code,
      stderr,
    } = error as {
      killed?: boolean;
      signal?: string;
      code?: number;
      stderr?: string;
    };
    const how = killed ? `no answer in ${patience / 1000} s` : by ? `ended by ${by}` : `ended with ${code}`;
    return { adapter: null, problem: 'crash', message: [how, said(stderr ?? '')].filter(Boolean).join(': ') };
  }
}

/** What Dawn printed, without the places in its source. */
function said(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^Warning: /, '').trim())
    .filter((line) => line !== '' && !line.startsWith('at '));
  return [...new Set(lines)].slice(0, 3).join('; ');
}

/** Whether an adapter computes on the processor. */
export function isSoftware({ isFallbackAdapter, ...words }: AdapterDescription): boolean {
  return (
    isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i.test(Object.values(words).join(' '))
  );
}

/** The adapter in words: `NVIDIA hopper, NVIDIA H100`. */
export function adapterName({
  vendor,
  architecture,
  device,
  description: driver,
}: AdapterDescription): string {
  const words = [vendor, architecture, device].filter(Boolean);
  return words.length > 0 ? [...new Set(words)].join(' ') : driver || 'an adapter without a name';
}

/** The driver's name and version as WebGPU tells them; NVIDIA's version from the system where WebGPU is silent. */
export function driverOf({ vendor, description: told }: AdapterDescription): string | null {
  if (/\d/.test(told) || vendor !== 'nvidia') return told || null;
  try {
    const version = /Kernel Module\D*([\d.]+)/.exec(readFileSync('/proc/driver/nvidia/version', 'utf8'))?.[1];
    return version ? `NVIDIA ${version}` : told || null;
  } catch {
    return told || null;
  }
}
