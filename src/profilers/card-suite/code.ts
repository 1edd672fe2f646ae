// Which code the suite is: its commit and its identity. A pack carries both in a file, since a bare machine has no git and no sources.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { readJson } from '../../base/files';
import { inRepo } from '../../base/paths';
import { codeState } from '../../results/provenance';
import { identitySchema } from '../../results/result';

const codeSchema = z.strictObject({ commit: z.string(), dirty: z.boolean(), identity: identitySchema });
/** The code of a run of the suite. */
export type SuiteCode = z.infer<typeof codeSchema>;

/** The file of a pack, in the root of what is unpacked. */
export const codeFile = (root: string = inRepo()): string => path.join(root, 'card-suite-code.json');

/** What the identity's bundle begins with: all that decides what is measured, and how it becomes a record. */
const source = `export * from './suite'; export * from './checks'; export * from './times'; export * from './steps'; export * from './memory'; export * from './features'; export * from './gather'; export * from './sam-step';`;

/** The code here: of the pack this runs from, or of the clone. */
export async function suiteCode(): Promise<SuiteCode> {
  if (existsSync(codeFile())) return codeSchema.parse(readJson(codeFile()));
  // Bundles what runs: only where there are sources.
  const { identityOf } = await import('../../results/identity.js');
  const identity = await identityOf(source, { resolveDir: inRepo('src', 'profilers', 'card-suite') });
  return { ...codeState(), identity };
}
