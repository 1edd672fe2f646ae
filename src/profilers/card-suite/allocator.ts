// What TensorFlow's allocator held during each unit, as its log tells (allocator-log.ts).
import { z } from 'zod';
import { allocatorLine } from '../allocator-log';
import { unitMark } from './messages';
import type { PrintedReader } from './part';

/** What an allocator held. */
export const allocatedSchema = z.strictObject({
  /** `GPU_0_bfc`; several where tensors of several devices were made. */
  allocator: z.string(),
  /** Bytes that were asked for and not given back when the reading began. */
  before: z.number(),
  /** The most since then. */
  peak: z.number(),
  allocations: z.number().int(),
});
export type Allocated = z.infer<typeof allocatedSchema>;

/** Reads the log and counts, for each allocator, what is held during a unit. */
export function allocatorReader(): PrintedReader {
  const held = new Map<string, Allocated & { now: number }>();
  const found: Record<string, Allocated[]> = {};
  const change = (name: string, bytes: number): void => {
    const one = held.get(name) ?? { allocator: name, before: 0, peak: 0, allocations: 0, now: 0 };
    one.now += bytes;
    one.peak = Math.max(one.peak, one.now);
    if (bytes > 0) one.allocations++;
    held.set(name, one);
  };
  return {
    line(text) {
      const told = allocatorLine(text);
      if (told?.what === 'failure') return;
      if (told) return change(told.allocator, told.what === 'allocation' ? told.bytes : -told.bytes);
      const [mark, unit] = [text.slice(0, unitMark.begin.length), text.slice(unitMark.begin.length)];
      if (mark === unitMark.begin)
        for (const one of held.values())
          Object.assign(one, { before: one.now, peak: one.now, allocations: 0 });
      if (mark === unitMark.end)
        found[unit] = [...held.values()].map(({ allocator, before, peak, allocations }) => ({
          allocator,
          before,
          peak,
          allocations,
        }));
    },
    results: () => found,
  };
}
