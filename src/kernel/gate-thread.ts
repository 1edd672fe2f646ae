// The thread that holds the kernel's sockets (see gate.ts). It answers by itself what needs no cell, says busy and idle,
// cuts off what does not hear an interrupt, and ends the kernel when the front end has died.
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Reply, Router, XPublisher } from 'zeromq';
import type { GateData, Incoming, Outgoing, Request } from './gate';
import { slot } from './gate';
import { Interrupter } from './interrupter';
import { kernelInfo } from './kernel-info';
import type { Channel, Content, Header } from './wire';
import { Wire, address } from './wire';

const { connection, shared, parentPid } = workerData as GateData;
const wire = new Wire(connection.key);
// No high-water mark: a front end that reads slowly must not lose lines.
const options = { sendHighWaterMark: 0, linger: 1000 };
// XPublisher tells of new subscribers; who connects late (after a restart) would else not know the state.
const iopub = new XPublisher({ ...options, verbosity: 'allSubs' });
const [shell, control, stdin] = [new Router(options), new Router(options), new Router(options)];
const heartbeat = new Reply(options);
const post = (message: Incoming): void => parentPort!.postMessage(message);
const interrupter = new Interrupter(
  (number) => post({ kind: 'interrupt', number }),
  (number) => Atomics.load(shared, slot.interruptSeen) >= number,
);

/** The cell that runs; anything else that was busy for a moment must not make the kernel look idle. */
let running: Header | undefined;
/** Which socket a request came by. */
const cameBy = new Map<string, Router>();

/** One queue for all sends: a socket takes one message at a time. */
let tail: Promise<void> = Promise.resolve();
function send(work: () => Promise<void>): Promise<void> {
  tail = tail.then(work).catch((error: unknown) => {
    process.stderr.write(`a message of the kernel was not sent: ${String(error)}\n`);
  });
  return tail;
}

function publish(type: string, content: Content, parent?: Header, metadata?: Content): Promise<void> {
  const frames = wire.encode(wire.header(type), content, { parent, metadata, routing: [Buffer.from(type)] });
  return send(() => iopub.send(frames));
}

function status(state: 'busy' | 'idle' | 'starting', parent?: Header): Promise<void> {
  return publish('status', { execution_state: state }, parent);
}

function reply(socket: Router, { routing, header }: Request, type: string, content: Content): Promise<void> {
  const frames = wire.encode(wire.header(type), content, { parent: header, routing });
  return send(() => socket.send(frames));
}

/** After a request other than a cell: idle for its sender, and still busy if a cell runs. */
function settled(parent: Header): Promise<void> {
  const sent = status('idle', parent);
  // In the same breath: whoever looks in between would see an idle kernel.
  return running ? status('busy', running) : sent;
}

const answers: Record<string, () => Content> = {
  kernel_info_request: kernelInfo,
  comm_info_request: () => ({ status: 'ok', comms: {} }),
  history_request: () => ({ status: 'ok', history: [] }),
  interrupt_request: () => ({ status: 'ok' }),
};
const forMain = new Set(['complete_request', 'inspect_request', 'is_complete_request']);

async function receive(socket: Router, frames: Buffer[]): Promise<void> {
  const { routing, header, content } = wire.decode(frames);
  const request = { routing, header, content };
  const type = header.msg_type;
  if (type === 'execute_request' || forMain.has(type)) {
    cameBy.set(header.msg_id, socket);
    // A cell is busy when its turn comes; the main thread says so.
    if (forMain.has(type)) void status('busy', header);
    post({ kind: 'request', request });
    return;
  }
  void status('busy', header);
  if (type === 'shutdown_request') {
    void reply(socket, request, 'shutdown_reply', { status: 'ok', restart: content.restart === true });
    await status('idle', header);
    return end();
  }
  if (type === 'interrupt_request') void interrupter.interrupt();
  const answer = answers[type] as (() => Content) | undefined;
  if (type === 'kernel_info_request') announce();
  // Requests that this kernel does not know (the debugger's) get no answer, as the protocol asks.
  if (answer) void reply(socket, request, type.replace(/request$/, 'reply'), answer());
  await settled(header);
}

/**
 * A front end asks for kernel_info when it connects, also after a killed kernel came back; what is published before its
 * side is ready is lost, and JupyterLab then shows "Unknown" until the next cell. So the state is told again, twice.
 */
const announcements: NodeJS.Timeout[] = [];
function announce(): void {
  for (const timer of announcements.splice(0)) clearTimeout(timer);
  for (const delay of [700, 3000]) {
    announcements.push(setTimeout(() => void status(running ? 'busy' : 'idle', running), delay).unref());
  }
}

parentPort!.on('message', (message: Outgoing) => void handle(message));

async function handle(message: Outgoing): Promise<void> {
  switch (message.kind) {
    case 'publish':
      return publish(message.type, message.content, message.parent, message.metadata);
    case 'busy':
      running = message.parent;
      return status('busy', message.parent);
    case 'idle':
      running = undefined;
      return status('idle', message.parent);
    case 'reply': {
      const { header } = message.request;
      const socket = cameBy.get(header.msg_id) ?? shell;
      cameBy.delete(header.msg_id);
      const sent = reply(socket, message.request, message.type, message.content);
      return forMain.has(header.msg_type) ? settled(header) : sent;
    }
    case 'close':
      return close();
  }
}

/** Open sockets must not see the end of the process. */
async function close(): Promise<void> {
  for (const timer of announcements.splice(0)) clearTimeout(timer);
  await tail;
  interrupter.close();
  for (const socket of [iopub, shell, control, stdin, heartbeat]) socket.close();
  // Sent means handed to ZeroMQ's own thread, which needs a moment.
  await sleep(30);
  Atomics.store(shared, slot.closed, 1);
  Atomics.notify(shared, slot.closed);
}

/** Ask the main thread to end; if it is busy, end the process from here. */
function end(): void {
  post({ kind: 'shutdown' });
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1500);
}

function parentLives(): boolean {
  if (process.ppid !== parentPid) return false;
  try {
    process.kill(parentPid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function open(): Promise<void> {
  const sockets: [Channel, { bind(address: string): Promise<void> }][] = [
    ['iopub', iopub],
    ['shell', shell],
    ['control', control],
    ['stdin', stdin],
    ['hb', heartbeat],
  ];
  await Promise.all(sockets.map(([channel, socket]) => socket.bind(address(connection, channel))));
  const watch = setInterval(() => {
    if (parentLives()) return;
    clearInterval(watch);
    end();
  }, 1000);
  await Promise.all([
    status('starting'),
    (async () => {
      for await (const frames of shell) await guard(receive(shell, frames));
    })(),
    (async () => {
      for await (const frames of control) await guard(receive(control, frames));
    })(),
    (async () => {
      for await (const frames of heartbeat) await heartbeat.send(frames);
    })(),
    (async () => {
      for await (const [frame] of iopub) if (frame[0] === 1) void status(running ? 'busy' : 'idle', running);
    })(),
  ]);
}

/** A message with a wrong signature or none at all is not the front end's: leave it. */
async function guard(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    process.stderr.write(`a message was not understood: ${String(error)}\n`);
  }
}

void open();
