// The Jupyter messaging protocol 5.3 on the wire: how a message is signed, sent and checked. Kernel and client share it.
// Source: https://jupyter-client.readthedocs.io/en/stable/messaging.html
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { InputError } from '../base/errors';
import { readJson } from '../base/files';

const headerSchema = z.looseObject({
  msg_id: z.string(),
  msg_type: z.string(),
  session: z.string(),
  username: z.string(),
});
const objectSchema = z.record(z.string(), z.unknown());
const connectionSchema = z.looseObject({
  transport: z.enum(['tcp', 'ipc']),
  ip: z.string(),
  key: z.string(),
  signature_scheme: z.literal('hmac-sha256'),
  shell_port: z.number().int(),
  iopub_port: z.number().int(),
  stdin_port: z.number().int(),
  control_port: z.number().int(),
  hb_port: z.number().int(),
});

export type Header = z.infer<typeof headerSchema>;
export type Content = Record<string, unknown>;
export type Connection = z.infer<typeof connectionSchema>;
export type Channel = 'shell' | 'iopub' | 'stdin' | 'control' | 'hb';

/** A message as it arrived. */
export interface Message {
  /** The sender's routing ids, in front of the delimiter (on iopub: the topic). */
  routing: Uint8Array[];
  header: Header;
  /** The header of the message that this one answers; empty for none. */
  parent: Partial<Header>;
  metadata: Content;
  content: Content;
}

const delimiter = Buffer.from('<IDS|MSG>');

/** Read a connection file, in which a front end tells its kernel the ports and the key. */
export function readConnection(file: string): Connection {
  const parsed = connectionSchema.safeParse(readJson(file));
  if (parsed.success) return parsed.data;
  throw new InputError({
    what: `cannot start a kernel from ${file}`,
    given: z.prettifyError(parsed.error),
    expected: 'a Jupyter connection file with hmac-sha256',
    fix: 'let a front end start the kernel (`npm run kernel` registers it)',
  });
}

/** Where a channel listens. */
export function address(connection: Connection, channel: Channel): string {
  const { transport, ip } = connection;
  return `${transport}://${ip}${transport === 'tcp' ? ':' : '-'}${connection[`${channel}_port`]}`;
}

/** Signs what goes out and checks what comes in with the key of the connection file. */
export class Wire {
  constructor(
    private readonly key: string,
    private readonly session: string = randomUUID(),
  ) {}

  /** A header for a new message. */
  header(type: string): Header {
    const date = new Date().toISOString();
    return {
      msg_id: randomUUID(),
      msg_type: type,
      session: this.session,
      username: 'coc',
      date,
      version: '5.3',
    };
  }

  /** The frames of a message. */
  encode(
    header: Header,
    content: Content,
    { parent = {}, metadata = {}, routing = [] }: Partial<Pick<Message, 'parent' | 'metadata' | 'routing'>>,
  ): Buffer[] {
    const body = [header, parent, metadata, content].map((part) => Buffer.from(JSON.stringify(part)));
    const ids = routing.map((id) => Buffer.from(id));
    return [...ids, delimiter, Buffer.from(this.sign(body)), ...body];
  }

  /** The message in the frames. @throws when they hold none or the signature is wrong */
  decode(frames: Buffer[]): Message {
    const at = frames.findIndex((frame) => frame.equals(delimiter));
    const [signature, ...body] = frames.slice(at + 1);
    if (at < 0 || body.length < 4) throw new Error('not a Jupyter message');
    const expected = Buffer.from(this.sign(body.slice(0, 4)));
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new Error('a Jupyter message with a wrong signature');
    }
    const [header, parent, metadata, content] = body.map((part) => JSON.parse(part.toString()) as unknown);
    return {
      routing: frames.slice(0, at),
      header: headerSchema.parse(header),
      parent: headerSchema.partial().parse(parent),
      metadata: objectSchema.parse(metadata),
      content: objectSchema.parse(content),
    };
  }

  private sign(body: Buffer[]): string {
    if (!this.key) return '';
    const hmac = createHmac('sha256', this.key);
    for (const part of body) hmac.update(part);
    return hmac.digest('hex');
  }
}
