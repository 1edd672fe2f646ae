// A reading of a setting for every batch, whatever the stack.
import type { Need } from './need';

export interface Reading {
  need(batch: number): Need;
  /** The largest batch whose peak is within so many bytes; 0 where one sample is too much. */
  largestBatch(limit: number): number;
}

/**
 * A reading of what can be said in no time for each batch by itself.
 * @param say  what a batch needs; a larger one needs more
 */
export function readingBy(say: (batch: number) => Need): Reading {
  const said = new Map<number, Need>();
  const need = (batch: number): Need => {
    const known = said.get(batch) ?? say(batch);
    said.set(batch, known);
    return known;
  };
  const peak = (batch: number): number => need(batch).peakBytes;
  // A peak is the highest of straight lines, so where three batches lie on one line, all between them do.
  const [from, between, to] = [2, 32, 1024];
  const slope = (a: number, b: number): number => (peak(b) - peak(a)) / (b - a);
  const straight = (): boolean => slope(from, between) === slope(from, to);
  const search = (limit: number): number => {
    let [low, high] = [1, 2];
    while (peak(high) <= limit) [low, high] = [high, 2 * high];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (peak(middle) <= limit) low = middle;
      else high = middle;
    }
    return low;
  };
  return {
    need,
    largestBatch(limit) {
      if (peak(1) > limit) return 0;
      if (peak(from) > limit || peak(to) <= limit || !straight()) return search(limit);
      return from + Math.floor((limit - peak(from)) / slope(from, to));
    },
  };
}
