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
    // `#(4.5)`, `#4.5` and `#"4.5"` are set as they stand.
    if (c === '(') return this.shown(() => this.group());
    if (c === '{') return this.group();
    if (c === '[') {
      this.at++;
      return this.markup(true);
    }
    if (c === '"') return this.string(true);
    const literal = /^-?\d[\d.]*[a-z%]*/.exec(this.rest());
    if (literal) return this.keep(literal[0].length);
    const name = /^[A-Za-z_][\w-]*/.exec(this.rest());
    if (!name) return;
    this.at += name[0].length;
    if (/^(?:str|repr|calc)$/.test(name[0])) {
      // Their numbers are on the page.
      return this.shown(() => this.calls());
    }
    this.calls();
  }

  /** What is called and looked up after a name. */
  private calls(): void {
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

  /** Read code with its numbers kept: what it gives is set. */
  private shown(read: () => void): void {
    const from = this.at;
    read();
    for (const { 0: number, index = 0 } of this.source
      .slice(from, this.at)
      .matchAll(/(?<![\w"#.-])\d[\d.]*/g)) {
      for (let i = 0; i < number.length; i++) this.out[from + index + i] = number[i];
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

  /** A string with a blank in it, or a number with a unit, counts as prose; a name, path or colour does not. */
  private string(always = false): void {
    const found = /^"(?:[^"\\]|\\[^])*"?/.exec(this.source.slice(this.at))![0];
    const quantity = /^"[-+−~≈<>]?\p{N}[\p{N}.,]*(?:[^\W\d]{0,4}|[%×°µ]\w{0,2})"?$/u.test(found);
    // A named argument is a setting, unless its name says that it is read.
    const setting = /(?<!\b(?:alt|title|caption|supplement|body|description))\s*:\s*$/.test(
      this.source.slice(Math.max(0, this.at - 40), this.at),
    );
    if (!always && !(quantity && !setting) && !/\s/.test(found)) {
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

/** A tag as CommonMark and browsers know it; `a <b 4 c> d` is text. */
const attribute = /\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?/.source;
const tag = new RegExp(`<[A-Za-z][\\w-]*(?:${attribute})*\\s*/?>|</[A-Za-z][\\w-]*\\s*>`, 'g');
/** Attributes that a reader sees or hears. */
const spoken =
  /\b(?:alt|title|aria-[a-z]+|label|value|placeholder|summary|caption|content)\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+)/gi;
/** Languages whose fenced blocks are code, in which a number is a parameter. What has another or none is read as text. */
const codeLanguages = 'ts|typescript|js|javascript|json|jsonc|sh|bash|shell|console|python|py|yaml|typst';

/**
 * The prose of a Markdown text, such as a notebook's cell: without blocks of code, link targets, tags and list numbers.
 * What is said by a tag (alt, title, value) or beside a link's target stays.
 */
export function proseOfMarkdown(source: string): Prose {
  const formulas: Prose['formulas'] = [];
  let text = source;
  const spaces = (found: string): string => found.replace(/[^\n]/g, ' ');
  /** Blank what a pattern finds, but for the parts that `keeps` finds in it. */
  const blank = (pattern: RegExp, keeps?: RegExp, each?: (found: string, offset: number) => void): void => {
    text = text.replace(pattern, (found: string, ...rest: unknown[]) => {
      each?.(
        found,
        rest.find((r): r is number => typeof r === 'number')!,
      );
      const blanked = [...spaces(found)];
      for (const kept of keeps ? found.matchAll(keeps) : []) {
        const begin = (kept.index ?? 0) + kept[0].indexOf(kept[1]);
        for (let i = begin; i < begin + kept[1].length; i++) blanked[i] = found[i];
      }
      return blanked.join('');
    });
  };
  blank(new RegExp(`^(\\x60{3,}|~{3,})[ \\t]*(?:${codeLanguages})\\b[^\\n\\x60]*\\n[^]*?^\\1[^\\n]*$`, 'gm'));
  blank(/<!--[^]*?-->/g);
  blank(/\$\$[^]*?\$\$|\$[^$\n]+\$/g, undefined, (found, offset) => {
    const sign = found.startsWith('$$') ? 2 : 1;
    formulas.push({ tex: found.slice(sign, -sign), offset: offset + sign });
  });
  blank(tag, spoken);
  const linkTitle = /\s("[^"]*"|'[^']*'|\([^()]*\))\s*\)?\s*$/g;
  blank(/(?<=\])\([^)\s]*(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)/g, linkTitle);
  blank(/^\s*\[[^\]]+\]:\s.*$/gm, linkTitle);
  blank(/https?:\/\/[^\s)\]>"']+/g);
  return { text: withoutListNumbers(text), formulas };
}

/** Numbers that only count the items of a list: from one upwards, step by step. Any other is seen as it stands. */
function withoutListNumbers(text: string): string {
  const last = new Map<number, number>();
  return text
    .split('\n')
    .map((line) => {
      const item = /^(\s*(?:>\s*)*)(\d{1,3})([.)])(?=\s)/.exec(line);
      if (!item) return line;
      const [all, indent, number] = item;
      const before = last.get(indent.length) ?? 0;
      if (Number(number) !== 1 && Number(number) !== before + 1) return line;
      last.set(indent.length, Number(number));
      return ' '.repeat(all.length) + line.slice(all.length);
    })
    .join('\n');
}

/**
 * The prose in program code: texts in quotes with a blank in them, as a Typst source has them too. What a program puts
 * into a text with `${...}` is computed and is left out.
 */
export function proseOfCode(source: string): Prose {
  const out =
    [...source].length === source.length
      ? [...source.replace(/[^\n]/g, ' ')]
      : Array.from({ length: source.length }, (_, i) => (source[i] === '\n' ? '\n' : ' '));
  let at = 0;
  const code = (until: string): void => {
    while (at < source.length && source[at] !== until) {
      const two = source.slice(at, at + 2);
      if (two === '//') at = (source.indexOf('\n', at) + 1 || source.length + 1) - 1;
      else if (two === '/*') at = (source.indexOf('*/', at) + 1 || source.length) + 1;
      else if ('"\'`'.includes(source[at])) literal(source[at]);
      else if (source[at] === '{') {
        at++;
        code('}');
        at++;
      } else at++;
    }
  };
  const literal = (quote: string): void => {
    const kept: number[] = [];
    for (at++; at < source.length && source[at] !== quote; at++) {
      if (source[at] === '\\') kept.push(at++);
      else if (quote === '`' && source.startsWith('${', at)) {
        at += 2;
        code('}');
      } else if (quote !== '`' && source[at] === '\n') break;
      else kept.push(at);
    }
    at++;
    if (kept.some((i) => /\s/.test(source[i]))) for (const i of kept) out[i] = source[i];
  };
  code('\0');
  return { text: out.join(''), formulas: [] };
}
