import { describe, expect, test } from 'vitest';
import { cards } from '../../src/profilers/cards';
import { encoderShapes } from '../../src/profilers/encoders';
import { encoderFlops, encoderMacs } from '../../src/profilers/flops';

describe('FLOPs of the encoders', () => {
  // Counted by hand from the two repositories' shapes, block by block (GMAC).
  const gmac = (macs: number): number => macs / 1e9;

  test('SAM ViT-H at 1024: with and without position terms and attention products', () => {
    const { linear, attention, position, tokens } = encoderMacs(encoderShapes['sam-vit-h']);
    expect(tokens).toBe(4096);
    expect(gmac(linear)).toBeCloseTo(2732.3, 1);
    expect(gmac(linear + attention)).toBeCloseTo(2972.94, 1);
    expect(gmac(linear + attention + position)).toBeCloseTo(2980.54, 1);
  });

  test('SAM 3 at 1008', () => {
    const { linear, attention, position, tokens } = encoderMacs(encoderShapes.sam3);
    expect(tokens).toBe(5184);
    expect(position).toBe(0);
    expect(gmac(linear + attention)).toBeCloseTo(2699.3, 1);
  });

  test('a step with adapters costs about two forward passes, a full one three', () => {
    for (const name of ['sam-vit-h', 'sam3'] as const) {
      const { forward, adapterStep, fullStep } = encoderFlops(name);
      expect(fullStep).toBe(3 * forward);
      expect(adapterStep / forward).toBeGreaterThan(2);
      expect(adapterStep / forward).toBeLessThan(2.2);
    }
  });

  test('a step of one view of ViT-H is 12.4 TFLOP, as a dry run of the same shapes counted', () => {
    expect(encoderFlops('sam-vit-h').adapterStep / 1e12).toBeCloseTo(12.4, 1);
  });
});

describe('cards', () => {
  test('PCIe 3, 4 and 5 with 16 lanes carry 15.75, 31.5 and 63 GB/s', () => {
    const rates = [cards.t4, cards['a100-40'], cards['h100-80']].map((card) => card.hostLink / 1e9);
    expect(rates.map((r) => Math.round(r * 100) / 100)).toEqual([15.75, 31.51, 63.02]);
  });

  test('each format is faster than the one with more bits', () => {
    for (const { flops } of Object.values(cards)) {
      const rates = [flops.fp32, flops.tf32, flops.half].flatMap((r) => r ?? []);
      expect(rates).toEqual([...rates].sort((a, b) => a - b));
    }
  });
});
