// The oracle: the real networks of dynamic-network-architectures, counted by torch (test/oracles/volume_nets.py).
import { describe, expect, it } from 'vitest';
import {
  primusBlockParameters,
  primusM,
  primusMacs,
  primusParameters,
} from '../../src/profilers/primus-counts';
import { uNetCounts, uNetShapes } from '../../src/profilers/unet-counts';
import oracle from '../oracles/volume-nets.json';

describe('the plain 3-D network of nnU-Net', () => {
  const brats = uNetShapes['nnunet-brats'];

  it('has the parameters of dynamic-network-architectures', () => {
    expect(uNetCounts(brats).parameters).toEqual({
      encoder: 14_027_712,
      decoder: 17_168_864,
      heads: 3_220,
      total: 31_199_796,
    });
    expect(uNetCounts({ ...brats, input: 1, classes: 2 }).parameters.total).toBe(31_195_594);
    expect(uNetCounts(brats).parameters.total).toBe(oracle['nnunet-brats'].parameters);
    const hippocampus = {
      ...brats,
      input: 1,
      classes: 3,
      features: [32, 64, 128, 256],
      encoderDepth: [2, 2, 2, 2],
    };
    expect(uNetCounts(hippocampus).parameters.total).toBe(oracle.hippocampus.parameters);
    expect(2 * uNetCounts(hippocampus, [64, 64, 64]).macs.total).toBe(oracle.hippocampus.flops);
  });

  it('has the multiply-adds that torch counts', () => {
    expect(2 * uNetCounts(brats).macs.total).toBe(oracle['nnunet-brats'].flops);
  });
});

describe('ResEnc-L', () => {
  const shape = uNetShapes['resenc-l'];

  it('has the parameters that nnU-Net’s documents round to 102.4 M', () => {
    expect(uNetCounts(shape).parameters).toEqual({
      encoder: 90_296_576,
      decoder: 12_051_584,
      heads: 805,
      total: 102_348_965,
    });
  });

  it('has the multiply-adds that torch counts, at two sizes', () => {
    for (const { side, flops } of oracle['resenc-l'])
      expect(2 * uNetCounts(shape, [side, side, side]).macs.total).toBe(flops);
  });

  it('refuses a patch that it cannot halve', () => {
    expect(() => uNetCounts(shape, [128, 128, 100])).toThrow(/128 x 128 x 100 voxels[\s\S]*multiples of 32/);
  });
});

describe('Primus-M', () => {
  it('has the parameters of its documents, and of the package', () => {
    expect(primusBlockParameters(primusM)).toBe(8_977_536);
    expect(primusParameters(primusM, [96, 96, 96], 2)).toBe(146_602_394);
    for (const { side, parameters } of oracle['primus-m'])
      expect(primusParameters(primusM, [side, side, side], 1)).toBe(parameters);
  });

  it('has the multiply-adds that torch counts', () => {
    for (const { side, flops } of oracle['primus-m'])
      expect(2 * primusMacs(primusM, [side, side, side], 1)).toBe(flops);
  });
});
