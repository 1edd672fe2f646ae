// The kernel's door to the front end. All sockets live in a thread of their own (gate-thread.ts), so that output streams,
// interrupts, heartbeats and status questions go through while a cell keeps the main thread busy.
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Connection, Content, Header } from './wire';

/** A request that the main thread must answer. */
export interface Request {
  routing: Uint8Array[];
  header: Header;
  content: Content;
}

/** From the thread to the main thread. */
export type Incoming =
  { kind: 'request'; request: Request } | { kind: 'interrupt'; number: number } | { kind: 'shutdown' };

/** From the main thread to the thread. */
export type Outgoing =
  | { kind: 'publish'; type: string; content: Content; metadata?: Content; parent: Header }
  | { kind: 'reply'; type: string; content: Content; request: Request }
  | { kind: 'busy' | 'idle'; parent: Header }
  | { kind: 'close' };

export interface GateData {
  connection: Connection;
  shared: Int32Array;
  /** The process that started this one: the kernel ends when it does. */
  parentPid: number;
}

/** Places in the memory that both threads see. */
export const slot = { interruptSeen: 0, closed: 1 } as const;

/** The main thread's end. */
export class Gate {
  private readonly shared = new Int32Array(new SharedArrayBuffer(8));
  private readonly thread: Worker;

  constructor(
    connection: Connection,
    on: { request: (request: Request) => void; interrupt: () => void; shutdown: () => void },
  ) {
    const workerData: GateData = { connection, shared: this.shared, parentPid: process.ppid };
    this.thread = new Worker(path.join(__dirname, 'gate-thread.js'), { workerData, execArgv: [] });
    this.thread.on('error', (error) => {
      // Without its door a kernel is of no use: say why and end.
      process.stderr.write(`the kernel's sockets failed: ${error.stack ?? error.message}\n`);
      process.exit(1);
    });
    this.thread.on('message', (message: Incoming) => {
      if (message.kind === 'request') on.request(message.request);
      else if (message.kind === 'shutdown') on.shutdown();
      else {
        Atomics.store(this.shared, slot.interruptSeen, message.number);
        on.interrupt();
      }
    });
  }

  publish(type: string, content: Content, parent: Header, metadata?: Content): void {
    this.post({ kind: 'publish', type, content, parent, metadata });
  }

  reply(type: string, content: Content, request: Request): void {
    this.post({ kind: 'reply', type, content, request });
  }

  status(state: 'busy' | 'idle', parent: Header): void {
    this.post({ kind: state, parent });
  }

  /** Send what is still to be sent and close, in at most so many milliseconds: for the end of the process. */
  close(milliseconds: number): void {
    this.post({ kind: 'close' });
    Atomics.wait(this.shared, slot.closed, 0, milliseconds);
  }

  private post(message: Outgoing): void {
    this.thread.postMessage(message);
  }
}
