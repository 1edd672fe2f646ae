// The private JupyterLab: what is said when something of the system is missing, and that no half-made one is used.
// `python3` is a shell script here, so that every fault can be had on any machine.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Interrupted } from '../../src/base/errors';
import type { ProgressEvent } from '../../src/base/progress';
import { findJupyterLab, labVersion } from '../../src/kernel/jupyter-env';
import { describeWith, python } from '../setup/peers';

let dir: string;
const inBin = (name: string, script: string): void => {
  const file = path.join(dir, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
};
const home = (): string => path.join(dir, 'cache', `jupyter-${labVersion}`);
const calls = (): string =>
  existsSync(path.join(dir, 'calls')) ? readFileSync(path.join(dir, 'calls'), 'utf8') : '';

/** A Python that does what the installation asks of it, with one part replaced. */
function fakePython(
  parts: {
    version?: string;
    ensurepip?: string;
    venv?: string;
    pip?: string;
    install?: string;
    lab?: string;
  } = {},
): void {
  inBin(
    'python3',
    `echo "$*" >> ${dir}/calls
case "$*" in
  *version_info*) echo "python ${parts.version ?? '3 11'}" ;;
  *ensurepip*) ${parts.ensurepip ?? ':'} ;;
  "-m venv "*) ${parts.venv ?? '/bin/mkdir -p "$3/bin"; /bin/cp "$0" "$3/bin/python"'} ;;
  "-m pip --version") ${parts.pip ?? 'echo pip 25'} ;;
  "-m pip install "*) ${parts.install ?? 'echo Collecting jupyterlab==4; echo Collecting tornado; echo Installing collected packages: x'} ;;
  "-m jupyterlab --version") ${parts.lab ?? `echo ${labVersion}`} ;;
  *) echo "unexpected: $*"; exit 9 ;;
esac`,
  );
}

beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'coc-jupyter-'));
  mkdirSync(path.join(dir, 'bin'));
  vi.stubEnv('PATH', path.join(dir, 'bin'));
  vi.stubEnv('COC_CACHE', path.join(dir, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

describe('a JupyterLab is found or made', () => {
  it('takes JupyterLab 4 from PATH', async () => {
    inBin('jupyter', 'echo "a warning of no weight" >&2; echo 4.2.5');
    expect(await findJupyterLab()).toEqual({ command: ['jupyter', 'lab'], version: '4.2.5', from: 'PATH' });
  });

  it.each(['echo 3.6.8', 'echo "jupyter: lab is not a command"; exit 1', 'echo 4.1.0; exit 1'])(
    'does not take `%s` for one',
    async (script) => {
      inBin('jupyter', script);
      fakePython();
      expect((await findJupyterLab()).from).toContain(home());
    },
  );

  it('makes a private one once, with progress, and finds it again', async () => {
    fakePython();
    const events: ProgressEvent[] = [];
    const made = await findJupyterLab({ progress: (event) => events.push(event) });
    expect(made.command).toEqual([path.join(made.from, 'bin', 'python'), '-m', 'jupyterlab']);
    expect(events.at(-1)).toMatchObject({
      task: `installing JupyterLab ${labVersion}`,
      done: 2,
      finished: true,
    });
    expect(calls()).toContain(`jupyterlab==${labVersion}`);
    const before = calls();
    expect(await findJupyterLab()).toEqual(made);
    expect(calls()).toBe(before);
  });

  it('makes a new one when the Python that it rests on is gone', async () => {
    fakePython();
    const made = await findJupyterLab();
    rmSync(path.join(made.from, 'bin', 'python'));
    const again = await findJupyterLab();
    expect(again.from).not.toBe(made.from);
    expect(existsSync(path.join(again.from, 'bin', 'python'))).toBe(true);
  });

  it('never uses what a killed attempt left, and clears it away', async () => {
    fakePython();
    const left = path.join(home(), 'env-999999999-abcd');
    mkdirSync(path.join(left, 'bin'), { recursive: true });
    writeFileSync(path.join(left, 'bin', 'python'), '#!/bin/sh\nexit 1\n');
    const made = await findJupyterLab();
    expect(readdirSync(home()).sort()).toEqual(['current.json', path.basename(made.from)].sort());
  });

  it('lets two attempts at once both succeed', async () => {
    fakePython({ install: '/bin/sleep 0.3' });
    const both = await Promise.all([findJupyterLab(), findJupyterLab()]);
    for (const { from } of both) expect(existsSync(path.join(from, 'bin', 'python'))).toBe(true);
  });

  it('stops at once when it is interrupted and leaves nothing that looks complete', async () => {
    fakePython({ install: 'echo Collecting jupyterlab; exec /bin/sleep 60' });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 500);
    await expect(findJupyterLab({ signal: controller.signal })).rejects.toThrow(Interrupted);
    expect(readdirSync(home())).toEqual([]);
  });
});

describe('what is missing is named', () => {
  it.each<[string, Parameters<typeof fakePython>[0] | undefined, RegExp]>([
    [
      'no Python',
      undefined,
      /neither `jupyter` nor `python3` on PATH.*sudo apt install python3 python3-venv/,
    ],
    ['an old Python', { version: '3 9' }, /given python3 is Python 3\.9, expected .*Python 3\.10 or newer/],
    [
      'no ensurepip',
      { ensurepip: 'exit 1' },
      /without the module venv or ensurepip.*apt install python3-venv`/,
    ],
    [
      'no pip',
      { pip: 'echo "No module named pip"; exit 1' },
      /without pip.*apt install python3-pip python3-venv`/,
    ],
    [
      'a venv that fails',
      { venv: 'echo "Error: read-only file system"; exit 1' },
      /python -m venv: Error: read-only/,
    ],
    [
      'no network',
      {
        install:
          'echo "ERROR: Could not find a version that satisfies the requirement (from versions: none)"; exit 1',
      },
      /no connection to the Python package index .*a network connection, for this first start only/,
    ],
    [
      'a full disk',
      { install: 'echo "ERROR: [Errno 28] No space left on device"; exit 1' },
      /a full disk.*COC_CACHE/,
    ],
    [
      'a failure of pip',
      { install: 'echo "ERROR: Wheel is broken"; exit 1' },
      /an error of pip: ERROR: Wheel is broken/,
    ],
    [
      'a JupyterLab that does not start',
      { lab: 'echo "ImportError: no"; exit 1' },
      /the new JupyterLab: ImportError/,
    ],
  ])('%s', async (_, parts, message) => {
    if (parts) fakePython(parts);
    await expect(findJupyterLab()).rejects.toThrow(message);
    // And the next attempt begins anew.
    if (existsSync(home())) expect(readdirSync(home())).toEqual([]);
  });
});

describeWith('jupyterlab', 'with the real pip', () => {
  it('says so when the package index cannot be reached', { timeout: 60_000 }, async () => {
    // COC_PYTHON's environment has venv and pip; nothing listens on port 9.
    inBin('python3', `exec ${python} "$@"`);
    vi.stubEnv('PIP_CONFIG_FILE', '/dev/null');
    vi.stubEnv('PIP_FIND_LINKS', '');
    vi.stubEnv('PIP_EXTRA_INDEX_URL', '');
    vi.stubEnv('PIP_NO_CACHE_DIR', '1');
    vi.stubEnv('PIP_INDEX_URL', 'http://127.0.0.1:9/simple');
    await expect(findJupyterLab()).rejects.toThrow(/no connection to the Python package index/);
    expect(readdirSync(home())).toEqual([]);
  });
});
