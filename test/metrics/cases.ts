// The oracle cases of test/oracles/metrics_peer.py: masks, and what MONAI, MedPy and DeepMind's program score them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { definitions, scores } from '../../src/metrics/definitions';
import type { Mask } from '../../src/metrics/mask';
import { MaskPair } from '../../src/metrics/mask-pair';
import type { Triple } from '../../src/volume/volume';
import { python } from '../setup/peers';

/** A peer's score; NaN and infinities are text, null where it refuses. */
export type PeerScore = number | 'nan' | 'inf' | null;

export interface Case {
  name: string;
  dims: Triple;
  spacing: Triple;
  prediction: string;
  truth: string;
  scores: Record<string, PeerScore>;
}

export interface Oracle {
  versions: Record<string, string>;
  areas: { spacing: Triple; areas: number[] }[];
  cases: Case[];
}

const folder = path.resolve(__dirname, '..', 'oracles');

export function readOracle(): Oracle {
  return JSON.parse(readFileSync(path.join(folder, 'metrics.json'), 'utf8')) as Oracle;
}

/** Fresh cases from the peers that are here. */
export function freshCases(count: number, seed: number): Case[] {
  const args = [path.join(folder, 'metrics_peer.py'), '--random', String(count), '--seed', String(seed)];
  const json = execFileSync(python, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  return (JSON.parse(json) as Oracle).cases;
}

export function maskFrom(bits: string, dims: Triple, spacing: Triple): Mask {
  const bytes = Buffer.from(bits, 'base64');
  const data = Uint8Array.from(
    { length: dims[0] * dims[1] * dims[2] },
    (_, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1,
  );
  return { data, dims, spacing };
}

export function pairOf({ prediction, truth, dims, spacing }: Case): MaskPair {
  return new MaskPair(maskFrom(prediction, dims, spacing), maskFrom(truth, dims, spacing));
}

export const text = (score: number | null): PeerScore =>
  score === null || Number.isFinite(score) ? score : Number.isNaN(score) ? 'nan' : 'inf';

/** Our name of a peer's score where it has another one. */
const alias: Record<string, string> = {
  'medpy dice': 'dice.nnunet',
  'deepmind dice': 'dice.nnunet',
  'monai nsd subvoxels': 'nsd-1mm.deepmind',
};

/** MONAI computes in single precision, and so places its percentiles between two distances. */
function precisionOf(name: string): number {
  return name === 'hd95-mm.monai' ? 1e-5 : name.includes('monai') ? 3e-7 : 1e-12;
}

/** Every score must be the peer's, to the precision of its arithmetic. */
export function expectPeerScores(c: Case): void {
  const ours = scores(pairOf(c), 1);
  const known = new Set<string>();
  for (const [name, peer] of Object.entries(c.scores)) {
    const key = Object.keys(ours).find((k) => k.startsWith(`${alias[name] ?? name}.empty-`));
    if (!key) throw new Error(`${c.name}: no score of ours is ${name}`);
    known.add(key);
    const own = text(ours[key]);
    if (typeof peer !== 'number' || typeof own !== 'number')
      expect([c.name, name, own]).toEqual([c.name, name, peer]);
    else {
      const tolerance = precisionOf(name) * Math.max(1, peer);
      expect(Math.abs(own - peer), `${c.name}: ${name} is ${own} here, ${peer} there`).toBeLessThanOrEqual(
        tolerance,
      );
    }
  }
  // No score goes uncompared.
  expect([...known].sort()).toEqual(
    definitions(1)
      .map((d) => d.key)
      .sort(),
  );
}
