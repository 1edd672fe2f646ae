// Python's pickles (protocols 2 to 5), as far as files of tensors have them: a machine with a stack that makes plain data.
// A pickle may name any function of Python to be called; here only those are known that the caller gives.
import type { WrongIn } from '../volume/file-errors';

/** A tuple of Python; lists are arrays and dictionaries are maps. */
export class Tuple {
  constructor(readonly items: readonly unknown[]) {}
}

/** A function or class of Python that is known here. */
export class Global {
  constructor(
    readonly name: string,
    /** What calling it gives; classes that are only named have none. */
    readonly call?: (args: readonly unknown[]) => unknown,
  ) {}
}

/**
 * A name for messages, at most 100 characters of it. What is no text and no number is only called so: written out, a list of
 * lists can be longer than any memory.
 */
export function shortName(value: unknown): string {
  const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
  return plain ? String(value).slice(0, 100) : '(no text)';
}

export interface PickleRules {
  /** Everything that may be named, by `module name`. */
  globals: ReadonlyMap<string, Global>;
  /** What stands for an object that is stored elsewhere. */
  persistent: (id: unknown) => unknown;
  wrong: WrongIn;
}

/** More than the pickle of 40,000 tensors needs; bounds what a small file of empty dictionaries can take. */
const mostSteps = 1 << 21;
const mark = Symbol('mark');
const fix = 'load it in PyTorch, keep the dictionary of tensors alone and save that';

/**
 * The object that a pickle describes. Nothing of it is run.
 * @throws InputError that names what is not known here, and for a pickle that is damaged
 */
export function readPickle(bytes: Uint8Array, rules: PickleRules): unknown {
  return new Machine(bytes, rules).run();
}

class Machine {
  private readonly view: DataView;
  private readonly stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();
  private at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly rules: PickleRules,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): unknown {
    for (let steps = 0; steps < mostSteps; steps++) {
      const opcode = this.byte();
      if (opcode === 0x2e) return this.pop(); // STOP
      this.step(opcode);
    }
    throw this.rules.wrong(`a pickle of more than ${mostSteps} steps`, 'a dictionary of tensors', fix);
  }

  private step(opcode: number): void {
    const { stack } = this;
    switch (String.fromCharCode(opcode)) {
      case '\x80': // PROTO
        return void this.byte();
      case '\x95': // FRAME
        return void this.take(8);
      case '(':
        return void stack.push(mark);
      case 'N':
        return void stack.push(null);
      case '\x88':
        return void stack.push(true);
      case '\x89':
        return void stack.push(false);
      case 'K':
        return void stack.push(this.byte());
      case 'M':
        return void stack.push(this.view.getUint16(this.take(2), true));
      case 'J':
        return void stack.push(this.view.getInt32(this.take(4), true));
      case '\x8a': // LONG1
        return void stack.push(this.long(this.byte()));
      case 'G':
        return void stack.push(this.view.getFloat64(this.take(8)));
      case 'X':
        return void stack.push(this.text(this.view.getUint32(this.take(4), true)));
      case '\x8c': // SHORT_BINUNICODE
        return void stack.push(this.text(this.byte()));
      case ')':
        return void stack.push(new Tuple([]));
      case '\x85': // TUPLE1 to TUPLE3
      case '\x86':
      case '\x87':
        return void stack.push(new Tuple(this.popMany(opcode - 0x84)));
      case 't':
        return void stack.push(new Tuple(this.popToMark()));
      case ']':
        return void stack.push([]);
      case '}':
        return void stack.push(new Map());
      case 'a':
        return this.append([this.pop()]);
      case 'e':
        return this.append(this.popToMark());
      case 's':
        return this.setItems(this.popMany(2));
      case 'u':
        return this.setItems(this.popToMark());
      case 'q':
        return void this.memo.set(this.byte(), this.top());
      case 'r':
        return void this.memo.set(this.view.getUint32(this.take(4), true), this.top());
      case '\x94': // MEMOIZE
        return void this.memo.set(this.memo.size, this.top());
      case 'h':
        return this.recall(this.byte());
      case 'j':
        return this.recall(this.view.getUint32(this.take(4), true));
      case 'c':
        return this.global(this.line(), this.line());
      case '\x93': {
        // STACK_GLOBAL
        const [module, name] = this.popMany(2);
        return this.global(module, name);
      }
      case 'R':
        return this.reduce();
      case 'b':
        return this.build();
      case 'Q':
        return void stack.push(this.rules.persistent(this.pop()));
      default:
        throw this.rules.wrong(
          `the step 0x${opcode.toString(16)} in its pickle`,
          'steps that a dictionary of tensors needs',
          fix,
        );
    }
  }

  private broken(): Error {
    return this.rules.wrong(
      `a pickle that breaks off or contradicts itself at byte ${this.at}`,
      'a whole pickle',
      'take a whole copy of the file',
    );
  }

  /** Where the next `count` bytes begin; they are behind us then. */
  private take(count: number): number {
    const from = this.at;
    if (from + count > this.bytes.length) throw this.broken();
    this.at += count;
    return from;
  }

  private byte(): number {
    return this.bytes[this.take(1)];
  }

  private text(length: number): string {
    const from = this.take(length);
    return Buffer.from(this.bytes.subarray(from, from + length)).toString('utf8');
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.broken();
    const text = this.text(end - this.at);
    this.take(1);
    return text;
  }

  /** A whole number of any length, little-endian, two's complement; as a number where that is exact. */
  private long(length: number): number | bigint {
    const from = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[from + i]);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  private top(): unknown {
    const value = this.stack.at(-1);
    if (this.stack.length === 0 || value === mark) throw this.broken();
    return value;
  }

  private pop(): unknown {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private popMany(count: number): unknown[] {
    const from = this.stack.length - count;
    if (from < 0 || this.stack.includes(mark, from)) throw this.broken();
    return this.stack.splice(from);
  }

  private popToMark(): unknown[] {
    const from = this.stack.lastIndexOf(mark);
    if (from < 0) throw this.broken();
    const items = this.stack.splice(from);
    return items.slice(1);
  }

  private append(items: unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.broken();
    for (const item of items) list.push(item);
  }

  private setItems(items: unknown[]): void {
    const map = this.top();
    if (!(map instanceof Map) || items.length % 2 !== 0) throw this.broken();
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }

  private recall(index: number): void {
    if (!this.memo.has(index)) throw this.broken();
    this.stack.push(this.memo.get(index));
  }

  private global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.broken();
    const known = this.rules.globals.get(`${module} ${name}`);
    if (known) return void this.stack.push(known);
    throw this.rules.wrong(
      `${shortName(module)}.${shortName(name)} in its pickle`,
      'tensors, dictionaries, lists, texts and numbers; no other code is loaded or run',
      fix,
    );
  }

  private reduce(): void {
    const [callee, args] = this.popMany(2);
    if (!(callee instanceof Global) || !callee.call || !(args instanceof Tuple)) throw this.broken();
    this.stack.push(callee.call(args.items));
  }

  /** Attributes of an object. Dictionaries of modules have some (`_metadata`: versions), which hold no tensors. */
  private build(): void {
    this.pop();
    if (!(this.top() instanceof Map)) throw this.broken();
  }
}
