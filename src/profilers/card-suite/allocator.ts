// TensorFlow's allocator, as its log tells: with TF_CPP_VMODULE=bfc_allocator=3 every allocation and release is a line, on a card
// as on the processor. TensorFlow's binding for Node does not give these numbers.
import { z } from 'zod';
import { unitMark } from './messages';
import type { PrintedReader } from './part';

/** What a process needs in its environment for such a log; the processor uses this allocator when it is asked to. */
export const allocatorEnvironment = {
  TF_CPP_VMODULE: 'bfc_allocator=3',
  TF_CPP_MIN_LOG_LEVEL: '0',
  TF_CPU_ALLOCATOR_USE_BFC: 'true',
};

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

const allocation = /\] AllocateRaw (\S+)\s+(\d+) 0x[\da-f]+\s*$/;
const release = /\] DeallocateRaw (\S+)\s+(\d+)\s*$/;

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
      const got = allocation.exec(text);
      if (got) return change(got[1], Number(got[2]));
      const gave = release.exec(text);
      if (gave) return change(gave[1], -Number(gave[2]));
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
