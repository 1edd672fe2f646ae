// Where things live: the clone, the per-user cache that outlives clones, and the data folder.
import os from 'node:os';
import path from 'node:path';

/** The root of the clone (this file is in src/base or dist/base). */
export const repoRoot: string = path.resolve(__dirname, '..', '..');

/** A path below the root of the clone. */
export function inRepo(...parts: string[]): string {
  return path.join(repoRoot, ...parts);
}

/**
 * The per-user cache: run store, downloads, private environments. It outlives clones.
 * `COC_CACHE` overrides the place the platform gives.
 */
export function cacheDir(...parts: string[]): string {
  const name = 'cost-of-consistency';
  const home = os.homedir();
  const base =
    process.env.COC_CACHE ??
    (process.platform === 'darwin'
      ? path.join(home, 'Library', 'Caches', name)
      : process.platform === 'win32'
        ? path.join(process.env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'), name)
        : path.join(process.env.XDG_CACHE_HOME ?? path.join(home, '.cache'), name));
  return path.resolve(base, ...parts);
}

/** Where data sets are placed for use: `.data/` in the clone, or `COC_DATA`. */
export function dataDir(...parts: string[]): string {
  return path.resolve(process.env.COC_DATA ?? inRepo('.data'), ...parts);
}
