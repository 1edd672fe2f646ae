// Finds a JupyterLab, or makes a private one: a Python environment in the per-user cache that outlives clones.
//
// Each attempt to make one has a folder of its own, and `current.json`, written last and atomically, names the one
// that is complete. So a half-made environment is never used, and two processes at once do not disturb each other.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError, Interrupted } from '../base/errors';
import { readJson, writeJsonAtomic } from '../base/files';
import { cacheDir } from '../base/paths';
import { type Long, Meter } from '../base/progress';

/** The JupyterLab that a private environment gets, and that the tests drive. */
export const labVersion = '4.6.6';
/** What that version of JupyterLab asks for. */
const oldestPython = [3, 10] as const;
const task = `installing JupyterLab ${labVersion}`;
const withoutPython = 'or run notebooks without Python: `npx coc notebook run NOTEBOOK`';

/** A JupyterLab that can be started. */
export interface JupyterLab {
  /** Program and first arguments; options of `jupyter lab` follow. */
  command: readonly string[];
  version: string;
  /** `PATH`, or the folder of the private environment. */
  from: string;
}

/**
 * JupyterLab 4 from PATH if there is one, else from the private environment, which is made when missing
 * (`python3 -m venv` and pip; 91 packages, 241 MB on disk).
 * @throws InputError naming the system package that is missing (Python, venv, pip) or the network
 * @throws Interrupted when the signal is aborted; the next attempt finds pip's downloads in pip's cache
 */
export async function findJupyterLab(long: Long = {}): Promise<JupyterLab> {
  const onPath = await run(['jupyter', 'lab', '--version'], long);
  const version = /^4\.\d+\.\d+\S*$/m.exec(onPath.output)?.[0];
  if (onPath.status === 0 && version) return { command: ['jupyter', 'lab'], version, from: 'PATH' };
  return complete() ?? (await install(long));
}

const home = (): string => cacheDir(`jupyter-${labVersion}`);
const Current = z.object({ folder: z.string() });

function pythonOf(env: string): string {
  return process.platform === 'win32'
    ? path.join(env, 'Scripts', 'python.exe')
    : path.join(env, 'bin', 'python');
}

/** The folder of the complete private environment, if there is one. */
function current(): string | undefined {
  const pointer = path.join(home(), 'current.json');
  return existsSync(pointer) ? Current.parse(readJson(pointer)).folder : undefined;
}

/** The complete private environment, unless the system's Python that it links to is gone. */
function complete(): JupyterLab | undefined {
  const folder = current();
  if (folder === undefined) return undefined;
  const env = path.join(home(), folder);
  const python = pythonOf(env);
  if (!existsSync(python)) return undefined;
  return { command: [python, '-m', 'jupyterlab'], version: labVersion, from: env };
}

async function install(long: Long): Promise<JupyterLab> {
  const system = await systemPython(long);
  const folder = `env-${process.pid}-${randomBytes(4).toString('hex')}`;
  const env = path.join(home(), folder);
  const python = pythonOf(env);
  mkdirSync(home(), { recursive: true });
  sweep();
  const meter = new Meter(task, 'packages', undefined, long);
  try {
    const venv = await run([system, '-m', 'venv', env], long);
    if (venv.status !== 0) throw failedStep('python -m venv', venv.output);
    if ((await run([python, '-m', 'pip', '--version'], long)).status !== 0) {
      throw missing(`${system} made an environment without pip`, 'pip', 'python3-pip python3-venv');
    }
    const pip = [
      python,
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-input',
      '--retries',
      '2',
    ];
    const result = await run([...pip, `jupyterlab==${labVersion}`], long, (line) => {
      if (long.signal?.aborted) return;
      const name = /^Collecting ([\w.-]+)/.exec(line)?.[1];
      if (name) meter.add(1, name);
      else if (line.startsWith('Installing collected')) meter.add(0, 'unpacking');
    });
    if (result.status !== 0) throw failedPip(result.output);
    const check = await run([python, '-m', 'jupyterlab', '--version'], long);
    if (check.status !== 0) throw failedStep('the new JupyterLab', check.output);
    writeJsonAtomic(path.join(home(), 'current.json'), { folder });
  } catch (error) {
    rmSync(env, { recursive: true, force: true });
    throw error;
  }
  meter.finish();
  return { command: [python, '-m', 'jupyterlab'], version: labVersion, from: env };
}

/** Remove what killed attempts left: their folders name a process that is gone. */
function sweep(): void {
  const keep = current();
  for (const name of readdirSync(home())) {
    const pid = /^env-(\d+)-/.exec(name)?.[1];
    if (pid && name !== keep && !isAlive(Number(pid)))
      rmSync(path.join(home(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The system's Python, checked for all that a private environment needs. */
async function systemPython(long: Long): Promise<string> {
  const probe = 'import sys; print("python", *sys.version_info[:2])';
  let tooOld: string | undefined;
  for (const name of ['python3', 'python']) {
    const { status, output } = await run([name, '-c', probe], long);
    const [, major, minor] = /^python (\d+) (\d+)$/m.exec(output) ?? [];
    if (status !== 0 || !major) continue;
    if (Number(major) < oldestPython[0] || Number(minor) < oldestPython[1]) {
      tooOld ??= `${name} is Python ${major}.${minor}`;
      continue;
    }
    if ((await run([name, '-c', 'import venv, ensurepip'], long)).status !== 0) {
      throw missing(`${name} without the module venv or ensurepip`, 'venv', 'python3-venv');
    }
    return name;
  }
  throw missing(tooOld ?? 'neither `jupyter` nor `python3` on PATH', 'Python', 'python3 python3-venv');
}

function missing(given: string, what: string, packages: string): InputError {
  return new InputError({
    what: 'cannot open JupyterLab',
    given,
    expected: `JupyterLab 4 on PATH, or Python ${oldestPython.join('.')} or newer with ${what === 'Python' ? 'venv and pip' : what}`,
    fix:
      `install the missing system package (Debian, Ubuntu: \`sudo apt install ${packages}\`; Fedora: \`sudo dnf install python3 python3-pip\`; ` +
      `macOS: \`brew install python\`; Windows: \`winget install Python.Python.3.13\`), then run this again; ${withoutPython}`,
  });
}

/** pip's failures in the user's terms: no network, a full disk, or pip's own last words. */
function failedPip(output: string): InputError {
  const unreachable =
    /NewConnectionError|ConnectTimeout|Temporary failure in name resolution|ProxyError|\(from versions: none\)/;
  if (output.includes('No space left on device')) {
    return new InputError({
      what: `${task} failed`,
      given: 'a full disk',
      expected: `250 MB free under ${home()}`,
      fix: 'free some space, or set COC_CACHE to a folder on another disk',
    });
  }
  if (unreachable.test(output)) {
    return new InputError({
      what: `${task} failed`,
      given: `no connection to the Python package index (${lastWords(output)})`,
      expected: 'a network connection, for this first start only',
      fix: `connect, or name your index in PIP_INDEX_URL, or put a JupyterLab 4 on PATH; ${withoutPython}`,
    });
  }
  return failedStep('pip', output);
}

function failedStep(step: string, output: string): InputError {
  return new InputError({
    what: `${task} failed`,
    given: `an error of ${step}: ${lastWords(output)}`,
    expected: 'a private environment that works',
    fix: `mend the cause and run this again, or put a JupyterLab 4 on PATH; ${withoutPython}`,
  });
}

/** The last line that speaks of an error, else the last line. */
function lastWords(output: string): string {
  const lines = output.trim().split('\n');
  const errors = lines.filter((line) => /error/i.test(line));
  const line = (errors.at(-1) ?? lines.at(-1) ?? '').trim();
  return line === '' ? 'no message' : line.slice(0, 300);
}

/** Run a program to its end. `status` is null when it could not be started; `output` is stdout and stderr together. */
async function run(
  command: readonly string[],
  { signal }: Long,
  onLine: (line: string) => void = () => undefined,
): Promise<{ status: number | null; output: string }> {
  if (signal?.aborted) throw new Interrupted(task);
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { signal, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let rest = '';
    const take = (piece: Buffer): void => {
      output += piece.toString();
      const lines = (rest + piece.toString()).split('\n');
      rest = lines.pop()!;
      lines.forEach(onLine);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => {
      if (signal?.aborted) reject(new Interrupted(task));
      else resolve({ status: null, output: error.message });
    });
    child.on('close', (status) => {
      if (signal?.aborted) reject(new Interrupted(task));
      else resolve({ status, output });
    });
  });
}
