// Starts JupyterLab with this repository as its root and the project's kernel in its list, and stops both together.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { InputError, Interrupted } from '../base/errors';
import { readJson } from '../base/files';
import { repoRoot } from '../base/paths';
import type { Long } from '../base/progress';
import { findJupyterLab, type JupyterLab } from './jupyter-env';
import { installKernel, kernelName } from './kernelspec';

export interface LabOptions extends Long {
  /** Port on 127.0.0.1; without it the first free one from 8888 on. */
  port?: number;
  /** Let JupyterLab open the system's browser. */
  browser?: boolean;
  /** More options for `jupyter lab`, e.g. `--ServerApp.base_url=/course/`. */
  args?: readonly string[];
}

/** A JupyterLab that answers. */
export interface Lab {
  /** The address to open, with the token that lets a browser in. */
  url: string;
  /** Process id of the server. */
  pid: number;
  jupyter: JupyterLab;
  /** How it ended; it may end by itself ("Shut Down" in its File menu). */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** End it and its kernels. */
  stop: () => Promise<void>;
}

const ServerInfo = z.object({ url: z.string(), token: z.string(), pid: z.number() });
const startLimit = 120_000;
const stopLimit = 15_000;

/**
 * Start JupyterLab and wait until it answers. It listens on 127.0.0.1 only and lets in who has its token.
 * @throws InputError when the port is taken, no JupyterLab can be had, or the server does not come up
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const { port, browser = false, args = [], signal } = options;
  if (port !== undefined) await checkPort(port);
  const jupyter = await findJupyterLab(options);
  // One private folder a run: the kernelspec, and what the server writes about itself.
  const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-lab-'));
  installKernel(folder);
  const [program, ...first] = jupyter.command;
  const child = spawn(
    program,
    [
      ...first,
      `--ServerApp.root_dir=${repoRoot}`,
      '--ServerApp.ip=127.0.0.1',
      ...(port === undefined ? [] : [`--ServerApp.port=${port}`, '--ServerApp.port_retries=0']),
      `--MultiKernelManager.default_kernel_name=${kernelName}`,
      '--ServerApp.log_level=WARN',
      '--LabApp.log_level=WARN',
      // In a container one is root; the server is reached from this machine and with its token only.
      ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
      ...(browser ? [] : ['--no-browser']),
      ...args,
    ],
    {
      cwd: repoRoot,
      // Its words go to the terminal; stdout is for the verb's own result.
      stdio: ['ignore', 2, 2],
      env: {
        ...process.env,
        JUPYTER_PATH: [folder, process.env.JUPYTER_PATH].filter(Boolean).join(path.delimiter),
        JUPYTER_RUNTIME_DIR: path.join(folder, 'runtime'),
      },
    },
  );
  const ended = new Promise<Awaited<Lab['ended']>>((resolve) => {
    child.once('exit', (code, signalName) => resolve({ code, signal: signalName }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  void ended.then(() => rmSync(folder, { recursive: true, force: true }));
  try {
    const info = await serverInfo(path.join(folder, 'runtime'), child, signal);
    const url = new URL('lab', info.url);
    if (info.token) url.searchParams.set('token', info.token);
    return { url: url.href, pid: info.pid, jupyter, ended, stop: () => stop(child) };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

/** What the server says of itself, once it answers. */
async function serverInfo(runtime: string, child: ChildProcess, signal?: AbortSignal) {
  const giveUp = Date.now() + startLimit;
  while (Date.now() < giveUp) {
    if (signal?.aborted) throw new Interrupted('starting JupyterLab');
    if (child.exitCode !== null || child.signalCode !== null) break;
    const file = list(runtime).find((name) => /^jpserver-\d+\.json$/.test(name));
    const info = file && ServerInfo.safeParse(tryJson(path.join(runtime, file)));
    if (info && info.success && (await answers(info.data))) return info.data;
    await sleep(100);
  }
  throw new InputError({
    what: 'cannot open JupyterLab',
    given: `a server that ${child.exitCode === null ? 'did not answer' : `ended with code ${child.exitCode}`}; its own words are above`,
    expected: `a server that answers within ${startLimit / 1000} s`,
    fix: 'mend what it complains about (often an option after `--`, or a line in its configuration: `jupyter --paths` says where that is)',
  });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The file is read while the server may still be writing it. */
function tryJson(file: string): unknown {
  try {
    return readJson(file);
  } catch {
    return undefined;
  }
}

async function answers({ url, token }: { url: string; token: string }): Promise<boolean> {
  try {
    return (await fetch(new URL(`api?token=${token}`, url))).ok;
  } catch {
    return false;
  }
}

/** SIGTERM lets the server end its kernels; after a while it is killed, and the kernels see that and leave. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopLimit);
  await exit;
  clearTimeout(timer);
}

async function checkPort(port: number): Promise<void> {
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new InputError({
      what: 'cannot open JupyterLab',
      given: `port ${port}`,
      expected: 'a whole number from 1 to 65535',
      fix: 'name another port, or leave out --port to take the first free one from 8888 on',
    });
  }
  const probe = createServer();
  const problem = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    probe.once('error', resolve);
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(undefined)));
  });
  if (!problem) return;
  throw new InputError({
    what: 'cannot open JupyterLab',
    given: `port ${port}, which cannot be used (${problem.code ?? problem.message})`,
    expected: 'a port that is free',
    fix: 'name another port, or leave out --port to take the first free one from 8888 on',
  });
}
