// Live: batchgeneratorsv2 and this library on a synthetic head, with parameters drawn from nnU-Net's ranges.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../../src/base/random';
import { syntheticHead } from '../../src/datasets/synthetic-head';
import { augment, drawAugmentation, type Step } from '../../src/sampling/augment/augment';
import { patchOf, type Patch } from '../../src/sampling/augment/patch';
import { nnunetRecipe, type Recipe, type RecipeLine } from '../../src/sampling/augment/recipe';
import type { Triple } from '../../src/volume/volume';
import { describeWith, python } from '../setup/peers';
import { expectPeersPatch, packPatch, unpackPatch, type PackedPatch } from './augment-cases';

/** nnU-Net's ranges with every chance at 1, but for noise, which the peer draws from numbers of its own. */
const always: Recipe = {
  ...nnunetRecipe,
  lines: nnunetRecipe.lines
    .filter((line) => line.op !== 'noise')
    .map((line): RecipeLine => {
      if (line.op === 'spatial')
        return { ...line, rotation: { ...line.rotation, p: 1 }, scaling: { ...line.scaling, p: 1 } };
      return { ...line, p: 1, perChannel: 1 } as RecipeLine;
    }),
};

/** Two contrasts of a head in steps of 4 mm, at mean 0 and deviation 1 as nnU-Net's preprocessing leaves images. */
function head(seed: number, dims: Triple): Patch {
  const make = (contrast: 'flair' | 't1c') => syntheticHead({ seed, dims, spacing: [4, 4, 4], contrast });
  const { image, labels } = make('flair');
  const patch = patchOf([image, make('t1c').image], labels);
  for (const channel of patch.channels) {
    const mean = channel.reduce((a, b) => a + b, 0) / channel.length;
    const deviation = Math.sqrt(channel.reduce((a, b) => a + (b - mean) ** 2, 0) / channel.length);
    channel.forEach((x, i) => (channel[i] = (x - mean) / deviation));
  }
  return patch;
}

function peer(cases: { patch: Patch; step: Step }[]): Patch[] {
  const lines = cases.map(({ patch, step }) => JSON.stringify({ ...packPatch(patch), step }));
  const script = path.join(__dirname, '..', 'oracles', 'augment_peer.py');
  const { stdout, stderr } = spawnSync(python, [script], {
    input: lines.join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  const answers = stdout.trim().split('\n');
  if (answers.length !== cases.length) throw new Error(stderr);
  return answers.map((line) => unpackPatch(JSON.parse(line) as PackedPatch));
}

describeWith('batchgeneratorsv2', 'batchgeneratorsv2, live', () => {
  it('makes the same of a head, step by step, over whole augmentations', () => {
    const random = new Random('live');
    const cases: { patch: Patch; step: Step }[] = [];
    for (let seed = 0; seed < 4; seed++) {
      let patch = head(seed, [44, 52, 40]);
      for (const step of drawAugmentation(random, { recipe: always, channels: 2, size: [40, 40, 40] })) {
        cases.push({ patch, step });
        patch = augment(patch, [step]);
      }
    }
    const peers = peer(cases);
    expect(cases.length).toBe(32);
    cases.forEach(({ patch, step }, n) => {
      // The peer's sampling grid is in single precision, which moves samples by some 1e-6 voxels: hence 1e-5 of the
      // image's range (with the grid in double precision the two agree to 2e-7), and one label in 10,000.
      const range = Math.max(...patch.channels.map((channel) => Math.max(...channel) - Math.min(...channel)));
      expectPeersPatch(patch, step, peers[n], step.op === 'spatial' ? 1e-5 * range : 1e-5, 1e-4);
    });
  });
});
