// Cases of batchgeneratorsv2 (test/oracles/augment_peer.py), recorded or live, and what is asked of them.
import { expect } from 'vitest';
import { augment, type Step } from '../../src/sampling/augment/augment';
import type { Patch } from '../../src/sampling/augment/patch';
import type { Triple } from '../../src/volume/volume';

/** Arrays as base64: float32 channels, an int16 mask. */
export interface PackedPatch {
  dims: Triple;
  channels: string[];
  mask: string | null;
}

export interface Case extends PackedPatch {
  name: string;
  step: Step;
  expect: PackedPatch;
}

function bytes(text: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(text, 'base64')).buffer;
}

export function unpackPatch({ dims, channels, mask }: PackedPatch): Patch {
  return {
    dims,
    channels: channels.map((channel) => new Float32Array(bytes(channel))),
    ...(mask && { mask: new Int16Array(bytes(mask)) }),
  };
}

export function packPatch({ dims, channels, mask }: Patch): PackedPatch {
  const text = (array: Float32Array | Int16Array): string =>
    Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64');
  return { dims, channels: channels.map(text), mask: mask ? text(Int16Array.from(mask)) : null };
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}

/** The peer's values to `tolerance`; labels but for `labelShare` of them. Returns the largest difference of values. */
export function expectPeersPatch(
  given: Patch,
  step: Step,
  peers: Patch,
  tolerance: number,
  labelShare = 0,
): number {
  const ours = augment(given, [step]);
  expect(ours.dims).toEqual(peers.dims);
  expect(ours.channels.length).toBe(peers.channels.length);
  const differences = ours.channels.map((channel, c) => largestDifference(channel, peers.channels[c]));
  for (const difference of differences) expect(difference).toBeLessThanOrEqual(tolerance);
  if (peers.mask) {
    const wrong = Array.from(peers.mask).filter((label, i) => label !== ours.mask![i]).length;
    expect(ours.mask!.length).toBe(peers.mask.length);
    expect(wrong).toBeLessThanOrEqual(labelShare * peers.mask.length);
  }
  return Math.max(...differences);
}
