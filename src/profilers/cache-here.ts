// The caches of this machine, as Linux describes them under /sys. The TLB is not described there.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { CacheLevel, Hierarchy } from './cache';
import { statedHierarchy } from './cache';

const units: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/**
 * The data caches of the first processor, from the fastest on; the TLB is the stated one, which `source` says.
 * @param root  where the system describes the processor
 * @returns undefined where nothing readable describes them (another system, some virtual machines)
 */
export function hierarchyHere(root = '/sys/devices/system/cpu/cpu0/cache'): Hierarchy | undefined {
  let folders: string[];
  try {
    folders = readdirSync(root).filter((name) => /^index\d+$/.test(name));
  } catch {
    return undefined;
  }
  const caches = folders
    .map((folder) => levelIn(path.join(root, folder)))
    .flatMap((found) => found ?? [])
    .sort((a, b) => a.level - b.level)
    .map(({ cache }) => cache);
  if (caches.length === 0) return undefined;
  return {
    caches,
    translation: statedHierarchy.translation,
    source: `caches from ${root} of this machine; TLB as stated (${statedHierarchy.source})`,
  };
}

function levelIn(folder: string): { level: number; cache: CacheLevel } | undefined {
  const text = (name: string): string => {
    try {
      return readFileSync(path.join(folder, name), 'utf8').trim();
    } catch {
      return '';
    }
  };
  if (!['Data', 'Unified'].includes(text('type'))) return undefined;
  const [, amount, unit] = /^(\d+)([KMG]?)$/.exec(text('size')) ?? [];
  const [level, ways, line] = ['level', 'ways_of_associativity', 'coherency_line_size'].map((n) =>
    Number(text(n)),
  );
  if (!amount || !(level > 0 && ways > 0 && line > 0)) return undefined;
  return { level, cache: { name: `L${level}`, bytes: Number(amount) * units[unit], ways, line } };
}
