// The binary that npm's package has for itself: its own install script downloads it from its vendor's storage. Older
// (TensorFlow 2.9.1, CUDA 11), but nothing is compiled, and there is one for macOS and Windows. Only on request.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { InputError } from '../../base/errors';
import { writeFileAtomic } from '../../base/files';
import type { Long } from '../../base/progress';
import { checkBinding } from './check';
import type { Host } from './host';
import { thisHost } from './host';
import { noPackage, noStock } from './messages';
import type { Form } from './recipe';
import { runProgram } from './run-program';
import type { NativeState } from './state';
import { installedBinding, nativeState, placeInPackage } from './state';

/**
 * Run the package's own install script and check what it brought.
 * @throws InputError when it brings nothing, or something that does not compute: the package is then as it was; Interrupted
 */
export async function installStock(
  { form = 'cpu', say, signal }: { form?: Form; say?: (line: string) => void } & Long,
  host: Host = thisHost(),
): Promise<NativeState> {
  const dir = host.packageDir(form);
  if (dir === undefined) throw noPackage(form);
  if (installedBinding(host, form) !== undefined)
    throw new InputError({
      what: 'cannot install the stock binary',
      given: `a newer one that is installed in ${host.home}`,
      expected: 'none',
      fix: 'remove that first: `npx coc native remove`',
    });
  const description = path.join(dir, 'package.json');
  const before = readFileSync(description);
  const place = placeInPackage(host, form)!;
  // A link into a cache that is gone: what is written must not go there.
  rmSync(place, { force: true });
  try {
    say?.("Running the package's own install script; it downloads from its vendor's storage.");
    const { code, stdout, stderr } = await runProgram(
      [process.execPath, path.join('scripts', 'install.js'), form, 'download'],
      { cwd: dir, env: { ...process.env, PATH: programs(dir) }, signal },
    );
    if (code !== 0 || !existsSync(place)) {
      const error = `${stderr}\n${stdout}`.split('\n').find((line) => /^\s*\w*error\b/i.test(line));
      throw noStock(form, error?.trim() ?? `it ends with ${code ?? 'a signal'}`);
    }
    await checkBinding(form, dir, place, signal);
    say?.('It lies in node_modules: `npm ci` removes it.');
    return nativeState(host);
  } catch (error) {
    for (const name of ['deps', 'lib', 'build'])
      rmSync(path.join(dir, name), { recursive: true, force: true });
    // The script writes into it for a while.
    if (!readFileSync(description).equals(before)) writeFileAtomic(description, before);
    throw error;
  }
}

/** PATH with the Node that runs this, and the programs of packages that the script starts. */
function programs(dir: string): string {
  const gyp = createRequire(path.join(dir, 'package.json')).resolve('@mapbox/node-pre-gyp/package.json');
  const bin = path.join(path.dirname(gyp), '..', '..', '.bin');
  return [path.dirname(process.execPath), bin, process.env.PATH].join(path.delimiter);
}
