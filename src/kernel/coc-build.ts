// What the command's launcher (src/cli/coc.cjs) knows about builds: the kernel keeps to the same stamp and the same lock.
import { createRequire } from 'node:module';
import { inRepo } from '../base/paths';

export interface CocBuild {
  /** Whether dist/ is what src/ says. */
  isFresh(): boolean;
  /** The state of src/, as text. */
  stampOf(): string;
  stampFile: string;
  /** Do the work while no other process builds. */
  withLock<T>(work: () => T): T;
  /** Remove what a deleted source left in dist/. */
  sweep(): void;
}

export const cocBuild = createRequire(__filename)(inRepo('src', 'cli', 'coc.cjs')) as CocBuild;
