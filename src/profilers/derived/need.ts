// The derived reading of a setting: what PyTorch needs for the study's step, in the form that every reading has.
import type { Need } from '../vram/need';
import type { Setting } from '../vram/setting';
import { modelNotes } from '../vram/setting';
import type { Kernel } from './attention';
import type { DerivedStep } from './step';
import { derivedStep, keptActivations, kernelOf } from './step';

const kernelNotes: Record<Kernel, string> = {
  materialised: 'attention maps are made and kept, as in SAM’s own code',
  'sdpa-dense-bias':
    'scaled_dot_product_attention with positions as a dense bias, which is kept at the size of the map',
  fused: 'one attention kernel that keeps no map',
  chunked: 'attention some heads at a time; no map is kept',
};

/**
 * What PyTorch needs for a training step of the study's network, derived from shapes alone: within 0.5 % of the saved bytes
 * and within 3 % of the peak that PyTorch itself reports (test/profilers/derived.test.ts).
 * @throws InputError for a setting that there is not
 */
export function derivedNeed(setting: Setting): Need {
  const step = derivedStep(setting);
  const { peak, kept, weightsBytes, macs } = step;
  return {
    stack: 'pytorch',
    kind: 'derived',
    peakBytes: peak.bytes,
    weightsBytes,
    peakBeyondWeightsBytes: peak.bytes - weightsBytes,
    savedBytes: keptActivations(kept),
    byCategory: peak.byCategory,
    layerAtPeak: peak.layer,
    flops: 2 * macs,
    notes: notesOf(setting, step),
  };
}

function notesOf(setting: Setting, { kept }: DerivedStep): string[] {
  const { model, views, policy, precision } = setting;
  const kernel = kernelOf(setting);
  const copies = kept.reduce((bytes, each) => (each.reason === 'weights' ? bytes + each.bytes : bytes), 0);
  return [
    kernelNotes[kernel],
    ...(views > 1 && !policy.includes('per-plane') ? ['planes run as one batch on one graph'] : []),
    'tensors alone: a card’s context, workspaces of its libraries and what an allocator loses come on top',
    'FLOPs of products and convolutions',
    ...(precision === 'amp' && copies > 0
      ? [`autocast keeps ${(copies / 1e9).toFixed(2)} GB of weights in 16 bits for the backward pass`]
      : []),
    ...(policy.includes('lean')
      ? ['PyTorch saves only what a gradient needs and frees it as it goes: lean changes nothing']
      : []),
    ...(policy.includes('chunked') && kernel === 'fused'
      ? ['a fused kernel has no map to be made in pieces: chunked changes nothing']
      : []),
    ...modelNotes(model),
  ];
}
