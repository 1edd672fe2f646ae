// Taking native TensorFlow off again.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../../base/errors';
import { ownerOf } from '../../results/run-claim';
import type { Host } from './host';
import { thisHost } from './host';
import { sizeOfFolder } from './pip';
import { forms } from './recipe';
import { rootOf, unlinkBinding } from './state';

/**
 * Remove all of it: every form and version, and what was fetched.
 * @returns the bytes that were freed
 * @throws InputError while another process installs
 */
export function removeNative(host: Host = thisHost()): { bytes: number; where: string } {
  const { home } = host;
  const owner = ownerOf(home);
  if (owner !== undefined)
    throw new InputError({
      what: 'cannot remove native TensorFlow',
      given: `${owner}, which installs it`,
      expected: 'no install under way',
      fix: 'wait for its end, or stop it',
    });
  const bytes = sizeOfFolder(home);
  for (const form of forms) if (existsSync(rootOf(host, form))) unlinkBinding(host, form);
  if (existsSync(home))
    for (const name of readdirSync(home)) rmSync(path.join(home, name), { recursive: true, force: true });
  return { bytes, where: home };
}
