// Cells and the built library load packages with `require`. A package whose `exports` names an "import" entry alone
// (nifti-reader-js) is found all the same: Node can load ES modules that way since 20.19.
import { existsSync } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { readJson } from '../base/files';

type Resolve = (request: string, parent?: { paths?: string[] }, ...rest: unknown[]) => string;

/** The file that the "import" (or "node", "default") condition names. */
function importEntry(exports: unknown, subpath: string): string | undefined {
  let entry: unknown = exports;
  if (typeof exports === 'object' && exports && Object.keys(exports).some((key) => key.startsWith('.'))) {
    entry = (exports as Record<string, unknown>)[subpath];
  } else if (subpath !== '.') return undefined;
  while (typeof entry === 'object' && entry) {
    const conditions = entry as Record<string, unknown>;
    entry = conditions.node ?? conditions.import ?? conditions.default;
  }
  return typeof entry === 'string' ? entry : undefined;
}

/** Make `require` fall back to the "import" condition. */
export function allowImportOnlyPackages(): void {
  const loader = Module as unknown as { _resolveFilename: Resolve };
  const resolve = loader._resolveFilename;
  loader._resolveFilename = (request, parent, ...rest) => {
    try {
      return resolve(request, parent, ...rest);
    } catch (error) {
      const match = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(request);
      if ((error as NodeJS.ErrnoException).code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED' || !match) throw error;
      for (const directory of parent?.paths ?? []) {
        const manifest = path.join(directory, match[1], 'package.json');
        if (!existsSync(manifest)) continue;
        const { exports } = readJson(manifest) as { exports?: unknown };
        const entry = importEntry(exports, `.${match[2] ?? ''}`);
        if (entry) return path.join(directory, match[1], entry);
      }
      throw error;
    }
  };
}
