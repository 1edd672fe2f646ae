// Starts a kernel and speaks to it as a front end does: the notebook runner's half of the wire.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Dealer, Subscriber } from 'zeromq';
import type { KernelSpec } from './kernelspec';
import { kernelSpec } from './kernelspec';
import type { Connection, Content, Message } from './wire';
import { Wire, address } from './wire';

/** The kernel's process ended while something was expected of it. */
export class DeadKernel extends Error {
  override readonly name = 'DeadKernel';
}

/** A request under way. */
export interface Exchange {
  /** The content of the reply, once it and the kernel's "idle" have come. @throws DeadKernel */
  done: Promise<Content>;
}

interface Pending {
  resolve: (content: Content) => void;
  reject: (error: Error) => void;
  reply?: Content;
  idle: boolean;
}

/** Everything that the kernel publishes. */
export type Listener = (message: Message) => void;

export class KernelClient {
  /** Set once the process has ended. */
  ended: { code: number | null; signal: NodeJS.Signals | null } | undefined;
  private readonly pending = new Map<string, Pending>();
  private readonly listeners = new Set<Listener>();
  private readonly tails = new Map<Dealer, Promise<void>>();
  private printed = '';
  private readonly exit: Promise<void>;

  private constructor(
    readonly process: ChildProcess,
    private readonly wire: Wire,
    private readonly folder: string,
    private readonly shell: Dealer,
    private readonly control: Dealer,
    private readonly iopub: Subscriber,
  ) {
    for (const stream of [process.stdout!, process.stderr!]) {
      stream
        .setEncoding('utf8')
        .on('data', (text: string) => (this.printed = (this.printed + text).slice(-20_000)));
    }
    const kill = (): boolean => process.kill('SIGKILL');
    globalThis.process.once('exit', kill);
    this.exit = new Promise((resolve) => {
      process.once('close', (code, signal) => {
        globalThis.process.off('exit', kill);
        this.ended = { code, signal };
        for (const { reject } of this.pending.values()) reject(this.deadError());
        this.pending.clear();
        resolve();
      });
    });
    void this.listen(shell);
    void this.listen(control);
    void this.listen(iopub, true);
  }

  /**
   * Start a kernel and wait until it answers.
   * @param spec     this project's kernel when left out
   * @param cwd      the folder that cells import from
   * @param env      added to this process's environment
   * @param timeout  milliseconds
   * @throws DeadKernel when it ends or does not answer in time
   */
  static async start({
    spec = kernelSpec(),
    cwd = process.cwd(),
    env = {},
    timeout = 120_000,
    signal,
  }: {
    spec?: KernelSpec;
    cwd?: string;
    env?: NodeJS.ProcessEnv;
    timeout?: number;
    signal?: AbortSignal;
  } = {}): Promise<KernelClient> {
    const ports = await freePorts(5);
    const connection: Connection = {
      transport: 'tcp',
      ip: '127.0.0.1',
      key: randomUUID(),
      signature_scheme: 'hmac-sha256',
      shell_port: ports[0],
      iopub_port: ports[1],
      stdin_port: ports[2],
      control_port: ports[3],
      hb_port: ports[4],
    };
    const folder = mkdtempSync(path.join(os.tmpdir(), 'coc-kernel-'));
    const file = path.join(folder, 'connection.json');
    // Who has the key can run code: for this user's eyes alone.
    writeFileSync(file, JSON.stringify(connection), { mode: 0o600 });
    const [command, ...argv] = spec.argv.map((part) => part.replaceAll('{connection_file}', file));
    const child = spawn(command, argv, {
      cwd,
      env: { ...process.env, ...spec.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A Ctrl-C in the terminal is for the runner, which interrupts the cell in good order.
      detached: process.platform !== 'win32',
    });
    child.on('error', () => undefined);
    const shell = new Dealer({ linger: 0 });
    const control = new Dealer({ linger: 0 });
    const iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
    shell.connect(address(connection, 'shell'));
    control.connect(address(connection, 'control'));
    iopub.connect(address(connection, 'iopub'));
    iopub.subscribe();
    const client = new KernelClient(child, new Wire(connection.key), folder, shell, control, iopub);
    try {
      await client.ready(timeout, signal);
    } catch (error) {
      await client.kill();
      throw error;
    }
    return client;
  }

  /** Hear everything that the kernel publishes; returns the way to stop. */
  listenTo(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Send a request. `done` may reject unheeded: whoever awaits it hears of it. */
  request(
    type: string,
    content: Content = {},
    channel: 'shell' | 'control' = 'shell',
  ): Exchange & { id: string } {
    const header = this.wire.header(type);
    const done = new Promise<Content>((resolve, reject) => {
      if (this.ended) reject(this.deadError());
      else this.pending.set(header.msg_id, { resolve, reject, idle: false });
    });
    done.catch(() => undefined);
    const socket = this[channel];
    const frames = this.wire.encode(header, content, {});
    const sent = (this.tails.get(socket) ?? Promise.resolve()).then(() => socket.send(frames));
    this.tails.set(
      socket,
      sent.catch(() => undefined),
    );
    return { id: header.msg_id, done };
  }

  /** Ask for a cell to run. */
  execute(code: string, options: Content = {}): Exchange & { id: string } {
    return this.request('execute_request', {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
      ...options,
    });
  }

  /** Interrupt the running cell, by message. */
  async interrupt(): Promise<void> {
    await this.request('interrupt_request', {}, 'control').done;
  }

  /** End the kernel in good order; by force after `grace` milliseconds. */
  async shutdown(grace = 3000): Promise<void> {
    if (!this.ended) {
      this.request('shutdown_request', { restart: false }, 'control');
      const force = setTimeout(() => this.process.kill('SIGKILL'), grace);
      await this.exit;
      clearTimeout(force);
    }
    this.close();
  }

  /** End the kernel at once. */
  async kill(): Promise<void> {
    // A process that could not be started has no pid and no end.
    if (!this.ended && this.process.pid !== undefined) {
      this.process.kill('SIGKILL');
      await this.exit;
    }
    this.close();
  }

  private async ready(timeout: number, signal?: AbortSignal): Promise<void> {
    const end = performance.now() + timeout;
    // A subscription takes a moment to reach the kernel: ask until a reply and its "idle" both come back.
    while (!this.ended && this.process.pid !== undefined && performance.now() < end) {
      signal?.throwIfAborted();
      const { done } = this.request('kernel_info_request');
      const answered = done.then(
        () => true,
        () => false,
      );
      const pause = new Promise<boolean>((resolve) => setTimeout(resolve, 100, false));
      if (await Promise.race([answered, pause])) {
        this.pending.clear();
        return;
      }
    }
    if (this.ended || this.process.pid === undefined) throw this.deadError('the kernel did not start');
    throw new DeadKernel(`the kernel did not answer within ${timeout / 1000} s${this.tail()}`);
  }

  private async listen(socket: Dealer | Subscriber, published = false): Promise<void> {
    for await (const frames of socket) {
      const message = this.wire.decode(frames);
      const entry = this.pending.get(message.parent.msg_id ?? '');
      const { msg_type } = message.header;
      if (published) for (const listener of this.listeners) listener(message);
      if (!entry) continue;
      if (!published) entry.reply = message.content;
      else if (msg_type === 'status' && message.content.execution_state === 'idle') entry.idle = true;
      if (entry.reply && entry.idle) {
        this.pending.delete(message.parent.msg_id!);
        entry.resolve(entry.reply);
      }
    }
  }

  private deadError(what = 'the kernel died'): DeadKernel {
    const { code, signal } = this.ended ?? { code: null, signal: null };
    const how = signal ? `signal ${signal}` : code === null ? 'it could not be run' : `exit code ${code}`;
    const memory = this.printed.includes('heap out of memory') ? ': out of memory (JavaScript heap)' : '';
    return new DeadKernel(`${what} (${how})${memory}${memory ? '' : this.tail()}`);
  }

  /** The last that the kernel wrote to its terminal. */
  private tail(): string {
    const lines = this.printed.trim().split('\n').slice(-8).join('\n');
    return lines ? `; it printed:\n${lines}` : '';
  }

  private close(): void {
    for (const socket of [this.shell, this.control, this.iopub]) socket.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Ports that were free a moment ago; all are held open at once so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
