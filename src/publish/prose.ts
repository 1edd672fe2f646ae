// Prose and nothing else: a text with everything a reader does not see as words replaced by spaces.
//
// Length and line breaks are kept, so that a place in the masked text is the same place in the source. What can hide
// a number from the eye of a lint is kept visible: content blocks inside code, strings that read like words (titles,
// alt texts), and raw text.

/** The masked text, and the TeX formulas that were taken out of it. */
export interface Prose {
  text: string;
  formulas: { tex: string; offset: number }[];
}

const statements = /^(?:let|set|show|import|include|return)\b/;
const controls = /^(?:if|for|while)\b/;

/** Reads Typst source once, left to right, and copies what is prose. */
class TypstReader {
  readonly out: string[];
  readonly formulas: Prose['formulas'] = [];
  private at = 0;

  constructor(private readonly source: string) {
    this.out = Array.from(source, () => ' ');
    // Array.from walks code points; offsets here are UTF-16 units.
    this.out.length = 0;
    for (let i = 0; i < source.length; i++) this.out.push(source[i] === '\n' ? '\n' : ' ');
  }

  private rest(): string {
    return this.source.slice(this.at, this.at + 400);
  }

  private keep(n: number): void {
    for (const end = Math.min(this.at + n, this.source.length); this.at < end; this.at++) {
      this.out[this.at] = this.source[this.at];
    }
  }

  private skipComment(): boolean {
    const two = this.source.slice(this.at, this.at + 2);
    // `https://` is no comment.
    if (two === '//' && this.source[this.at - 1] !== ':') {
      const end = this.source.indexOf('\n', this.at);
      this.at = end < 0 ? this.source.length : end;
      return true;
    }
    if (two !== '/*') return false;
    const end = this.source.indexOf('*/', this.at + 2);
    this.at = end < 0 ? this.source.length : end + 2;
    return true;
  }

  /** Raw text: a formula when `m` or `eq` is called with it, else shown as it stands. */
  private raw(): void {
    const fence = /^`+/.exec(this.rest())![0];
    const begin = this.at + fence.length;
    // Two backticks are empty raw text.
    if (fence.length === 2) {
      this.at = begin;
      return;
    }
    const end = this.source.indexOf(fence, begin);
    const stop = end < 0 ? this.source.length : end;
    if (/(?:^|[^\w-])(?:m|eq)\($/.test(this.source.slice(Math.max(0, this.at - 5), this.at))) {
      this.formulas.push({ tex: this.source.slice(begin, stop), offset: begin });
      this.at = stop;
    } else {
      this.at = begin;
      this.keep(stop - begin);
    }
    this.at = Math.min(stop + fence.length, this.source.length);
  }

  /** Markup up to the bracket that closes it, or to the end. */
  markup(nested: boolean): void {
    let depth = 0;
    while (this.at < this.source.length) {
      const c = this.source[this.at];
      if (this.skipComment()) continue;
      if (c === '\\') this.keep(2);
      else if (c === '`') this.raw();
      else if (c === '#') this.hash();
      else if (c === '<' && /^<[A-Za-z][\w:.-]*>/.test(this.rest()))
        this.at += /^<[^>]*>/.exec(this.rest())![0].length;
      else if (c === '@' && /^@[A-Za-z]/.test(this.rest()))
        this.at += /^@[\w:-]+(?:\.[\w:-]+)*/.exec(this.rest())![0].length;
      else if (c === '[') {
        depth++;
        this.keep(1);
      } else if (c === ']') {
        if (depth === 0 && nested) {
          this.at++;
          return;
        }
        depth--;
        this.keep(1);
      } else this.keep(1);
    }
  }

  /** What follows a `#` in markup. */
  private hash(): void {
    this.at++;
    // A bracket that closes what the statement did not open ends it too.
    if (statements.test(this.rest())) return this.code((c) => c === '\n' || c === ';' || c === ']');
    const context = /^context\s+/.exec(this.rest());
    if (context) this.at += context[0].length;
    if (controls.test(this.rest())) return this.control();
    const c = this.source[this.at];
    if (c === '{' || c === '(') return this.group();
    if (c === '[') {
      this.at++;
      return this.markup(true);
    }
    if (c === '"') return this.string();
    const name = /^[A-Za-z_][\w-]*/.exec(this.rest());
    if (!name) return;
    this.at += name[0].length;
    for (;;) {
      if (this.source[this.at] === '(') this.group();
      else if (this.source[this.at] === '[') {
        this.at++;
        this.markup(true);
      } else {
        const field = /^\.[A-Za-z_][\w-]*/.exec(this.rest());
        if (!field) return;
        this.at += field[0].length;
      }
    }
  }

  /** `if`, `for`, `while`: code up to the end of its last block. */
  private control(): void {
    while (this.at < this.source.length && this.source[this.at] !== '\n') {
      const block = this.source[this.at] === '[' || this.source[this.at] === '{';
      this.codeStep();
      if (block && !/^\s*else\b/.test(this.rest())) return;
    }
  }

  private code(ends: (c: string) => boolean): void {
    while (this.at < this.source.length && !ends(this.source[this.at])) this.codeStep();
  }

  /** Brackets of code with all inside. */
  private group(): void {
    const close = this.source[this.at] === '(' ? ')' : '}';
    this.at++;
    this.code((c) => c === close);
    this.at++;
  }

  private codeStep(): void {
    if (this.skipComment()) return;
    const c = this.source[this.at];
    if (c === '"') this.string();
    else if (c === '`') this.raw();
    else if (c === '[') {
      this.at++;
      this.markup(true);
    } else if (c === '(' || c === '{') this.group();
    else this.at++;
  }

  /** A string with a blank in it reads like words and counts as prose; a name, path or colour does not. */
  private string(): void {
    const found = /^"(?:[^"\\]|\\[^])*"?/.exec(this.source.slice(this.at))![0];
    if (!/\s/.test(found)) {
      this.at += found.length;
      return;
    }
    this.at++;
    this.keep(found.length - 2);
    this.at++;
  }
}

/** The prose of Typst source. Formulas are the raw arguments of `m(...)` and `eq(...)`. */
export function proseOfTypst(source: string): Prose {
  const reader = new TypstReader(source);
  reader.markup(false);
  return { text: reader.out.join(''), formulas: reader.formulas };
}

/** The prose of a Markdown text, such as a notebook's cell: without code blocks, link targets, tags and list numbers. */
export function proseOfMarkdown(source: string): Prose {
  const formulas: Prose['formulas'] = [];
  let text = source;
  const blank = (pattern: RegExp, each?: (found: string, offset: number) => void): void => {
    text = text.replace(pattern, (found: string, ...rest: unknown[]) => {
      each?.(
        found,
        rest.find((r): r is number => typeof r === 'number')!,
      );
      return found.replace(/[^\n]/g, ' ');
    });
  };
  blank(/^(`{3,}|~{3,})[^]*?^\1[^\n]*$/gm);
  blank(/<!--[^]*?-->/g);
  blank(/\$\$[^]*?\$\$|\$[^$\n]+\$/g, (found, offset) => {
    const sign = found.startsWith('$$') ? 2 : 1;
    formulas.push({ tex: found.slice(sign, -sign), offset: offset + sign });
  });
  blank(/<\/?[A-Za-z][^>]*>/g);
  blank(/(?<=\])\([^)\s]*(?:\s+"[^"]*")?\)/g);
  blank(/^\s*\[[^\]]+\]:\s.*$/gm);
  blank(/https?:\/\/\S+/g);
  blank(/^\s*\d+[.)](?=\s)/gm);
  return { text, formulas };
}
