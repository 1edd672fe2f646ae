// One GET request: redirects followed, time-limited where a server can hang, no proxy.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { messageOf } from '../base/errors';

/** How patient a download is. */
export interface Patience {
  /** Seconds until a server must have accepted a connection. */
  connect: number;
  /** Seconds without a byte after which a connection is given up. */
  stall: number;
  /** Attempts in a row that may fail without a single new byte. */
  tries: number;
  /** Seconds before the second attempt; doubled before each further one. */
  backoff: number;
}

/** The patience of `coc data fetch`. */
export const patience: Patience = { connect: 3, stall: 30, tries: 4, backoff: 0.5 };

const MAX_REDIRECTS = 5;

/** Why a file cannot be had from its address. */
export class Unavailable extends Error {
  constructor(
    message: string,
    /** Another attempt may succeed. */
    readonly again = false,
    /** Seconds the server asks us to wait. */
    readonly after?: number,
  ) {
    super(message);
  }
}

const probes = new Map<string, Promise<void>>();

/**
 * Whether a server accepts connections; asked once a process and server, so that an offline machine moves on at once.
 * @throws Unavailable
 */
function reach({ protocol, hostname, port }: URL, seconds: number): Promise<void> {
  const number = Number(port) || (protocol === 'https:' ? 443 : 80);
  const server = `${hostname}:${number}`;
  let probe = probes.get(server);
  if (!probe) {
    probe = new Promise<void>((resolve, reject) => {
      const socket = net.connect({ host: hostname.replace(/^\[|\]$/g, ''), port: number });
      const give = (reason: string): void => {
        socket.destroy();
        reject(new Unavailable(`${server} cannot be reached (${reason})`));
      };
      const timer = setTimeout(() => give(`no answer within ${seconds} s`), seconds * 1000);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.destroy();
        resolve();
      });
      socket.once('error', (error) => {
        clearTimeout(timer);
        give((error as NodeJS.ErrnoException).code ?? (error.message || 'no route'));
      });
    });
    probe.catch(() => undefined);
    probes.set(server, probe);
  }
  return probe;
}

/** A server's answer; `body` ends with an error when the connection is cut or silent for too long. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: AsyncIterable<Buffer>;
  /** Drop the connection. */
  close: () => void;
}

/**
 * GET an address. Redirects are followed (five at most, none from https to http).
 * @throws Unavailable (with `again` where the fault may pass)
 */
export async function get(
  address: string,
  headers: Record<string, string>,
  limits: Patience,
  signal?: AbortSignal,
): Promise<Answer> {
  let url = new URL(address);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    await reach(url, limits.connect);
    const answer = await request(url, headers, limits, signal);
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
    answer.close();
    const next = new URL(location, url);
    if (
      !['http:', 'https:'].includes(next.protocol) ||
      (url.protocol === 'https:' && next.protocol === 'http:')
    )
      throw new Unavailable(`${url.href} redirects to ${next.href}, which is not https`);
    url = next;
  }
  throw new Unavailable(`${address} redirects more than ${MAX_REDIRECTS} times`);
}

function request(
  url: URL,
  headers: Record<string, string>,
  limits: Patience,
  signal?: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = (url.protocol === 'https:' ? https : http).request(url, { headers, signal, agent: false });
    const silence = new Unavailable(`${url.host} sent nothing for ${limits.stall} s`, true);
    const watchdog = setTimeout(() => call.destroy(silence), limits.stall * 1000);
    const stop = (): void => clearTimeout(watchdog);
    call.once('error', (error) => {
      stop();
      reject(
        error instanceof Unavailable ? error : new Unavailable(`${url.host}: ${messageOf(error)}`, true),
      );
    });
    call.once('response', (response) => {
      watchdog.refresh();
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: watched(response, watchdog, stop, url.host, silence),
        close: () => {
          stop();
          call.destroy();
        },
      });
    });
    call.end();
  });
}

async function* watched(
  response: IncomingMessage,
  watchdog: NodeJS.Timeout,
  stop: () => void,
  host: string,
  silence: Unavailable,
): AsyncGenerator<Buffer> {
  let silent = false;
  response.once('error', (error) => (silent = error === silence));
  try {
    for await (const piece of response) {
      watchdog.refresh();
      yield piece as Buffer;
    }
  } catch (error) {
    throw silent ? silence : new Unavailable(`${host}: the connection was cut (${messageOf(error)})`, true);
  } finally {
    stop();
  }
}
