// Live bytes through a step: what is alive when, by what it is for and by part of the model, in few enough points to draw.
import type { Category, Ledger } from '../backends/ledger';
import { categories } from '../backends/ledger';

export interface TimelinePoint {
  /** Place in the step, from 0 to 1: the share of all allocations and releases that came before. */
  readonly at: number;
  /** Bytes alive by category, and by part; both add up to the same. */
  readonly byCategory: readonly number[];
  readonly byPart: readonly number[];
}

export interface Timeline {
  /** Names, in the order of the numbers of each point. */
  readonly categories: readonly Category[];
  readonly parts: readonly string[];
  readonly points: readonly TimelinePoint[];
}

export interface TimelineOptions {
  /** Parts of the model, in the order in which they are drawn. */
  parts: readonly string[];
  /** The part that an allocation counts for: one of `parts`. @param scope  as the ledger has it, empty outside all */
  partOf: (scope: string, given: boolean) => string;
  /** Most points. */
  most?: number;
}

/**
 * The timeline of a ledger. The step is cut into stretches of equal numbers of events, and each stands at the moment of it when most
 * was alive: the peak is among them to the byte.
 * @throws Error when a part is named that is not among `parts`
 */
export function timelineOf(ledger: Ledger, { parts, partOf, most = 200 }: TimelineOptions): Timeline {
  const events = ledger.events();
  const length = Math.max(1, Math.ceil(events.length / most));
  const byCategory = categories.map(() => 0);
  const byPart = parts.map(() => 0);
  const points: TimelinePoint[] = [];
  let [live, highest] = [0, -1];
  events.forEach(({ type, allocation }, k) => {
    const { bytes, category, scope, phase } = allocation;
    const change = type === 'allocation' ? bytes : -bytes;
    const part = parts.indexOf(partOf(scope, phase === 'given'));
    if (part < 0)
      throw new Error(`the part ${partOf(scope, phase === 'given')} is not among ${parts.join(', ')}`);
    live += change;
    byCategory[categories.indexOf(category)] += change;
    byPart[part] += change;
    if (k % length === 0) highest = -1;
    if (live <= highest) return;
    highest = live;
    points[Math.floor(k / length)] = {
      at: k / events.length,
      byCategory: [...byCategory],
      byPart: [...byPart],
    };
  });
  return { categories, parts, points };
}
