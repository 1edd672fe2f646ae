// Fetching a wheel by pip, so that index, mirror, proxy, certificates and passwords are those its user has set up.
//
// pip itself cannot go on with a download that an earlier run of it began. Its own session can: where pip runs as
// `python -m pip`, a few lines of Python ask pip's finder for the wheel's address and fetch it by Range through pip's
// session (the same from pip 20.3 to 26.0; not a public interface). Where that is not to be had, plain `pip download` does it.
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { diskError } from '../../base/files';
import { sha256OfFile } from '../../base/hash';
import type { Long } from '../../base/progress';
import { Meter } from '../../base/progress';
import { cutDownload, noPip, noSpace, notInIndex, wrongHash } from './messages';
import { fetchScript, NO_SPACE, NOT_FOUND, OTHER_PIP } from './pip-script';
import type { Wheel } from './recipe';
import { pipTarget } from './recipe';
import { lastWords, runProgram } from './run-program';

/** How to call a pip that is there. */
export interface Pip {
  command: readonly string[];
  /** The Python that runs it, where that is known. */
  python?: string;
}

/** The first pip that answers; `COC_PYTHON` alone where it is set. @throws InputError when none does */
export async function findPip(signal?: AbortSignal): Promise<Pip> {
  const own = process.env.COC_PYTHON;
  const pythons = own ? [own] : ['python3', 'python'];
  const candidates: Pip[] = [
    ...pythons.map((python) => ({ command: [python, '-m', 'pip'], python })),
    ...(own ? [] : [{ command: ['pip3'] }, { command: ['pip'] }]),
  ];
  for (const pip of candidates) {
    const { code } = await runProgram([...pip.command, '--version'], { signal, timeout: 60_000 });
    if (code === 0) return pip;
  }
  throw noPip(candidates.map(({ command }) => command.join(' ')));
}

/**
 * Fetch a wheel into a folder and check its hash. A complete one that is there is checked and taken; a part that is
 * there is gone on with.
 * @returns the file
 * @throws InputError for every reason that the user can do something about; Interrupted (the part is kept)
 */
export async function fetchWheel(pip: Pip, wheel: Wheel, dir: string, long: Long): Promise<string> {
  const file = path.join(dir, wheel.file);
  const part = `${file}.part`;
  mkdirSync(dir, { recursive: true });
  if (sizeOf(file) === undefined) {
    if (sizeOf(part) !== wheel.bytes) await fetchPart(pip, wheel, part, long);
    const sha256 = await sha256OfFile(part, long.signal);
    const bytes = sizeOf(part) ?? 0;
    if (sha256 !== wheel.sha256) {
      rmSync(part, { force: true });
      throw wrongHash(wheel, bytes, sha256);
    }
    renameSync(part, file);
  }
  return file;
}

/** Bytes that are still to be fetched of a wheel. */
export function bytesToFetch(wheel: Wheel, dir: string): number {
  const file = path.join(dir, wheel.file);
  if (sizeOf(file) !== undefined) return 0;
  return Math.max(0, wheel.bytes - (sizeOf(`${file}.part`) ?? 0));
}

async function fetchPart(pip: Pip, wheel: Wheel, part: string, long: Long): Promise<void> {
  const before = sizeOf(part) ?? 0;
  if (pip.python !== undefined) {
    const meter = new Meter(taskOf(wheel, before), 'B', wheel.bytes - before, long);
    let at = before;
    const { code, stderr } = await runProgram(
      [pip.python, '-c', fetchScript, wheel.project, wheel.file, part, `${wheel.bytes}`, ...pipTarget],
      {
        signal: long.signal,
        onLine: (line) => {
          const now = Number(line);
          if (!Number.isFinite(now)) return;
          meter.add(now - at);
          at = now;
        },
      },
    );
    if (code === 0) return meter.finish();
    if (code === NO_SPACE) throw noSpace(path.dirname(part), 0, wheel.bytes - (sizeOf(part) ?? 0));
    if (code === NOT_FOUND) throw notInIndex(wheel, lastWords(stderr, 1));
    if (code !== OTHER_PIP) throw cutDownload(wheel, sizeOf(part) ?? 0, lastWords(stderr));
  }
  await downloadPlainly(pip, wheel, part, long);
}

function taskOf(wheel: Wheel, from = 0): string {
  return `download of ${wheel.project} ${wheel.version}${from > 0 ? ', the rest' : ''}`;
}

/** By `pip download`: it begins from the start. What it is at is seen by the files it writes. */
async function downloadPlainly(pip: Pip, wheel: Wheel, part: string, long: Long): Promise<void> {
  const dir = `${part}-pip`;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const meter = new Meter(taskOf(wheel), 'B', wheel.bytes, long);
  let at = 0;
  const look = setInterval(() => {
    const now = Math.min(sizeOfFolder(dir), wheel.bytes);
    try {
      meter.add(now - at);
    } catch {
      // Stopped: the program is ended by the same signal.
    }
    at = now;
  }, 500);
  try {
    const request = `${wheel.project}==${wheel.version}`;
    const { code, stderr } = await runProgram(
      [...pip.command, 'download', '--quiet', '--no-cache-dir', ...pipTarget, '--dest', dir, request],
      { signal: long.signal, env: { ...process.env, TMPDIR: dir } },
    );
    const file = path.join(dir, wheel.file);
    if (sizeOf(file) === undefined) {
      const said = lastWords(stderr);
      if (/no space left/i.test(said)) throw noSpace(dir, 0, wheel.bytes);
      if (code === 0 || /no matching distribution|could not find a version/i.test(said))
        throw notInIndex(wheel, said || `pip did not bring ${wheel.file}`);
      throw cutDownload(wheel, 0, said || 'pip ended without a word');
    }
    renameSync(file, part);
    meter.finish();
  } catch (error) {
    throw diskError(error, part, 'make room or give permission, then run it again');
  } finally {
    clearInterval(look);
    rmSync(dir, { recursive: true, force: true });
  }
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}

/** Bytes of all files below a folder; one that vanishes meanwhile counts nothing. */
export function sizeOfFolder(dir: string): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const file = path.join(dir, entry.name);
      bytes += entry.isDirectory() ? sizeOfFolder(file) : (sizeOf(file) ?? 0);
    }
  } catch {
    return bytes;
  }
  return bytes;
}
