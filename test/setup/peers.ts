// Live peers: programs that a test compares with, used where they are present.
//
// Where a peer is missing the test is skipped, and the reporter names and counts it. With COC_REQUIRE_PEERS=1
// (CI) a missing peer is a failure.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'vitest';
import { thisHost } from '../../src/backends/native/host';
import type { Form } from '../../src/backends/native/recipe';
import { installedBinding } from '../../src/backends/native/state';
import { swiftshader } from './swiftshader';

/** The Python that has the peers: COC_PYTHON, else python3. */
export const python = process.env.COC_PYTHON ?? 'python3';

function pythonHas(module: string): boolean {
  return spawnSync(python, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0;
}

function pythonFinds(module: string): boolean {
  const look = `import importlib.util, sys; sys.exit(importlib.util.find_spec('${module}') is None)`;
  return spawnSync(python, ['-c', look], { stdio: 'ignore' }).status === 0;
}

function hasNative(form: Form): boolean {
  return installedBinding(thisHost(), form) !== undefined;
}

const probes = {
  numpy: () => pythonHas('numpy'),
  nibabel: () => pythonHas('nibabel'),
  torch: () => pythonHas('torch'),
  pillow: () => pythonHas('PIL'),
  safetensors: () => pythonHas('safetensors'),
  /** Hugging Face's models; its SAM is asked for, since old versions have none. */
  transformers: () => pythonHas('transformers.models.sam'),
  /** The original SAM; looked for without running it, because it asks for torchvision. */
  'segment-anything': () => pythonFinds('segment_anything'),
  batchgeneratorsv2: () => pythonHas('batchgeneratorsv2.transforms.spatial.spatial'),
  /** MONAI, MedPy and DeepMind's surface-distance, which score masks. */
  'segmentation-metrics': () => pythonHas('monai, medpy.metric.binary, surface_distance'),
  nbclient: () => pythonHas('nbclient'),
  nbformat: () => pythonHas('nbformat'),
  jupyterlab: () => pythonHas('jupyterlab'),
  'ro-crate': () => pythonHas('rocrate_validator') && pythonHas('rocrate'),
  cffconvert: () => pythonHas('cffconvert'),
  pip: () => pythonHas('pip'),
  /** TensorFlow that `coc native install` made, for the processor and for cards. */
  'native-tensorflow': () => hasNative('cpu'),
  'native-gpu': () => hasNative('gpu'),
  chromium: () => chromium() !== undefined,
  /** A graphics card in software, for WebGPU. */
  swiftshader: () => swiftshader() !== undefined,
  pdftotext: () => spawnSync('pdftotext', ['-v'], { stdio: 'ignore' }).status === 0,
  /** The volumes of the data manifests, through COC_DATA_MIRROR. */
  'real-data': () => existsSync(process.env.COC_DATA_MIRROR ?? '/nowhere'),
  /** The two source documents, through COC_SEEDS. */
  seeds: () => existsSync(process.env.COC_SEEDS ?? '/nowhere'),
} as const;

export type Peer = keyof typeof probes;

/** The path of a Chromium, if there is one. */
export function chromium(): string | undefined {
  if (process.env.COC_CHROMIUM) return process.env.COC_CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const dir of (process.env.PATH ?? '').split(path.delimiter)) {
      if (existsSync(path.join(dir, name))) return path.join(dir, name);
    }
  }
  return undefined;
}

const present = new Map<Peer, boolean>();

/** Whether a peer is here. @throws when it is not and COC_REQUIRE_PEERS is set */
export function hasPeer(peer: Peer): boolean {
  if (!present.has(peer)) present.set(peer, probes[peer]());
  const here = present.get(peer)!;
  if (!here && process.env.COC_REQUIRE_PEERS) {
    throw new Error(`the peer ${peer} is required here (COC_REQUIRE_PEERS) and is not present`);
  }
  return here;
}

/** `describe` for tests that need peers: skipped by name where one is missing. */
export function describeWith(peers: Peer | Peer[], name: string, body: () => void): void {
  const missing = [peers].flat().filter((peer) => !hasPeer(peer));
  if (missing.length === 0) describe(name, body);
  else describe.skip(`${name} [needs ${missing.join(', ')}]`, body);
}
