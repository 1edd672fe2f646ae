// What one cell shows, in order. Text is gathered for a moment, so that 20,000 lines are five messages and not 20,000.
import { StringDecoder } from 'node:string_decoder';
import type { CellError } from './cell-error';
import type { Gate } from './gate';
import type { Bundle } from './hub';
import { clock } from './clock';
import type { Content, Header } from './wire';

export type StreamName = 'stdout' | 'stderr';

const holdMilliseconds = 50;
const holdCharacters = 1 << 16;

/** The outputs of one cell; late ones (from timers that it left) still go to this cell. */
export class CellOutput {
  private name: StreamName = 'stdout';
  private text = '';
  private flushedAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly decoders = { stdout: new StringDecoder(), stderr: new StringDecoder() };
  private readonly shown = new Set<string>();

  /** @param silent  the front end asked for no output */
  constructor(
    private readonly gate: Gate,
    private readonly parent: Header,
    private readonly silent = false,
  ) {}

  write(name: StreamName, chunk: string | Uint8Array): void {
    if (name !== this.name) this.flush();
    this.name = name;
    this.text += typeof chunk === 'string' ? chunk : this.decoders[name].write(Buffer.from(chunk));
    // A loop that never yields gives no timer a chance: look at the clock as well.
    if (this.text.length >= holdCharacters || clock.now() - this.flushedAt >= holdMilliseconds) this.flush();
    else this.timer ??= clock.setTimeout(() => this.flush(), holdMilliseconds);
  }

  /** Send what is gathered. */
  flush(): void {
    clock.clearTimeout(this.timer);
    this.timer = undefined;
    this.flushedAt = clock.now();
    const { name, text } = this;
    this.text = '';
    if (text) this.publish('stream', { name, text });
  }

  /** Show a bundle; the second with the same id replaces the first, or any with `update`. */
  display(
    { data, metadata = {} }: Bundle,
    id?: string,
    update = id !== undefined && this.shown.has(id),
  ): void {
    this.flush();
    if (id !== undefined) this.shown.add(id);
    const transient = id === undefined ? {} : { display_id: id };
    this.publish(update ? 'update_display_data' : 'display_data', { data, metadata, transient });
  }

  /** The value of the cell's last expression. */
  result(count: number, text: string): void {
    this.flush();
    this.publish('execute_result', { execution_count: count, data: { 'text/plain': text }, metadata: {} });
  }

  error(error: CellError): void {
    this.flush();
    this.publish('error', { ...error });
  }

  /** An error that belongs to this cell and came when nothing ran: on stderr, marked for the notebook runner. */
  lateError(error: CellError): void {
    this.flush();
    const text = `${error.traceback.join('\n')}\n`;
    this.publish('stream', { name: 'stderr', text }, { 'cost-of-consistency': { late_error: error } });
  }

  private publish(type: string, content: Content, metadata?: Content): void {
    if (!this.silent) this.gate.publish(type, content, this.parent, metadata);
  }
}
