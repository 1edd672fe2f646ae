// What TensorFlow's allocator did while a reading of ours ran, from its log; and whether a process that died did so for want of memory.
import { z } from 'zod';
import { formatBytes } from '../../base/progress';
import { AllocatorAccount } from '../vram/allocator-account';
import { unitMark } from './messages';
import type { PrintedReader } from './part';
import { samEnd, samReading } from './sam';

/** What the log says of a reading. */
export const samPrintedSchema = z.strictObject({
  /** The limit as TensorFlow told it, in MiB; null on a processor, where it tells none. */
  toldLimitMiB: z.number().nullable(),
  /** Null where the allocator said nothing. */
  allocator: z
    .strictObject({
      peakBytes: z.number(),
      requestedBytes: z.number(),
      reservedBytes: z.number(),
      allocations: z.number(),
      failure: z
        .strictObject({
          bytes: z.number(),
          leftBytes: z.number().nullable(),
          largestBytes: z.number().nullable(),
        })
        .nullable(),
    })
    .nullable(),
});
export type SamPrinted = z.infer<typeof samPrintedSchema>;

/** How much of a card TensorFlow gives itself. */
const created = /\] Created device \S*GPU:0 with (\d+) MB memory/;
/** Lines that name an allocator; those below them without a name are its own. */
const named =
  /\] (?:(?:AllocateRaw|DeallocateRaw|BFCAllocator dump for) |(?:Extending allocation by|New Peak memory usage of) .* bytes for )(\S+?)\.?(?:\s|$)/;

/**
 * Reads the log of processes that have a reading each.
 * @param allocator  the only one that counts: on a card others hold what is on its way there; any where left out
 */
export function samAllocatorReader(rehearse: boolean, allocator?: string): PrintedReader {
  let told: number | null = null;
  let current: string | undefined;
  let account: AllocatorAccount | undefined;
  let unit = '';
  const marked = (mark: string, text: string): string | undefined =>
    text.startsWith(mark) ? text.slice(mark.length) : undefined;
  return {
    line(text) {
      const begun = marked(unitMark.begin, text);
      if (begun !== undefined) {
        unit = begun;
        const limit = told === null ? samReading(rehearse, 'ours', unit)?.limitBytes : told * 2 ** 20;
        account = new AllocatorAccount(limit ?? Infinity);
        return;
      }
      const limit = created.exec(text)?.[1];
      if (limit !== undefined) told ??= Number(limit);
      current = named.exec(text)?.[1] ?? current;
      // What the process itself writes has no allocator's name, and matters whatever came before it.
      const own = !text.includes('] ');
      if (own || allocator === undefined || current === allocator) account?.line(text);
    },
    results() {
      if (!account) return {};
      const result = account.result();
      const finite = (bytes: number | null): number | null =>
        bytes !== null && Number.isFinite(bytes) ? bytes : null;
      const failure = result?.failure && {
        bytes: result.failure.bytes,
        leftBytes: finite(result.failure.leftBytes),
        largestBytes: finite(result.failure.largestBytes),
      };
      const printed: SamPrinted = {
        toldLimitMiB: told,
        allocator: result && { ...result, failure: failure ?? null },
      };
      return { [unit]: printed };
    },
    ended(_, how) {
      const upload = account?.deadlyUpload() ?? null;
      return upload === null
        ? undefined
        : samEnd(
            'out of memory',
            `its process ${how} during an upload of ${formatBytes(upload)}, for which the allocator had no place`,
          );
    },
  };
}
