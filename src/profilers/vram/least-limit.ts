// The least limit of memory under which a step fits, with few tries: each is a whole step in a fresh process.

/** What a search must know of a try. */
export interface Attempt {
  readonly limitBytes: number;
  /** Null where neither can be said: it ended for a reason other than memory. */
  readonly fits: boolean | null;
  /** Most bytes in use at one time; null where that is not known. */
  readonly peakBytes: number | null;
  /** Of these, what tensors asked for: under less nothing can fit. Null where that is not known. */
  readonly requestedBytes: number | null;
}

export interface LeastLimit<T extends Attempt> {
  /** The try under the least limit that was found; null where none fits, or one ended for another reason. */
  readonly least: T | null;
  /** In the order in which they were made; the last one says why there is no least. */
  readonly tries: readonly T[];
  /** How near the next smaller limit was that failed. */
  readonly resolutionBytes: number;
}

const mebibyte = 2 ** 20;
const toMebibytes = (bytes: number): number => Math.ceil(bytes / mebibyte) * mebibyte;

/**
 * Find the least limit. The first try gives an eighth more than what tensors hold by the dry run, for memory inside kernels, rounding and
 * fragmentation; where that is too little the margin is doubled. What was in use in the first try that fits is tried next: only
 * fragmentation can make that fail. From there it is halved.
 * @param dryRunBytes      where the search begins; no bound, for zeros that a first step makes on the host are asked for when they are used
 * @param limitBytes       the largest limit that is tried
 * @param resolutionBytes  how near the answer must be; one hundredth of the peak, and at least 1 MiB, where left out
 */
export async function leastLimit<T extends Attempt>(
  given: { dryRunBytes: number; limitBytes: number; resolutionBytes?: number },
  attempt: (limitBytes: number) => Promise<T>,
): Promise<LeastLimit<T>> {
  const { dryRunBytes, limitBytes } = given;
  const tries: T[] = [];
  const once = async (bytes: number): Promise<T> => {
    const tried = await attempt(Math.min(limitBytes, toMebibytes(bytes)));
    tries.push(tried);
    return tried;
  };
  let low = 0;
  let margin = 1 / 8;
  let least = await once(dryRunBytes * (1 + margin));
  while (least.fits === false && least.limitBytes < limitBytes) {
    low = least.limitBytes;
    margin *= 2;
    least = await once(dryRunBytes * (1 + margin));
  }
  const resolutionBytes = given.resolutionBytes ?? Math.max(mebibyte, (least.peakBytes ?? dryRunBytes) / 100);
  if (!least.fits) return { least: null, tries, resolutionBytes };
  low = Math.max(low, least.requestedBytes ?? 0);
  let next = toMebibytes(least.peakBytes ?? 0);
  while (least.limitBytes - low > resolutionBytes) {
    const between = (bytes: number): boolean => bytes > low && bytes < least.limitBytes;
    if (!between(next)) next = toMebibytes((low + least.limitBytes) / 2);
    if (!between(next)) break;
    const tried = await once(next);
    if (tried.fits === null) return { least: null, tries, resolutionBytes };
    if (tried.fits) least = tried;
    else low = next;
    next = 0;
  }
  return { least, tries, resolutionBytes };
}
