// JSON of known depth from a file that nobody vouches for. `JSON.parse` keeps the last of two equal names, rounds large
// numbers and nests as deep as the text says; here each is refused.

/** A value of such a text. Numbers are whole ones. */
export type PlainJson = string | number | PlainJson[] | Map<string, PlainJson>;

/**
 * Read JSON made of objects, lists, strings and whole numbers from 0 to 2^53 - 1.
 * @param depth  the deepest nesting that is read: 1 is an object of strings and numbers
 * @throws SyntaxError that says what is wrong and where, for anything else
 */
export function parsePlainJson(text: string, depth: number): PlainJson {
  let at = 0;
  const fail = (why: string): never => {
    throw new SyntaxError(`${why} at character ${at} of the JSON`);
  };
  const space = (): void => {
    while (' \t\n\r'.includes(text[at] ?? '-')) at++;
  };
  const number = (): number => {
    wholeNumber.lastIndex = at;
    const digits = wholeNumber.exec(text)?.[0] ?? fail('no string, whole number, list or object');
    if (!Number.isSafeInteger(Number(digits))) fail('a number above 2^53 - 1');
    at += digits.length;
    return Number(digits);
  };
  /** What stands between two brackets, divided by commas. */
  const each = (close: string, level: number, item: () => void): void => {
    if (level > depth) fail(`nesting deeper than ${depth}`);
    at++;
    space();
    if (text[at] === close) return void at++;
    for (;;) {
      item();
      space();
      if (text[at] === close) return void at++;
      if (text[at] !== ',') fail(`no comma or ${close}`);
      at++;
    }
  };
  const string = (): string => {
    if (text[at] !== '"') fail('no string');
    let end = at + 1;
    for (; text[end] !== '"'; end++) {
      if (end >= text.length) fail('a string without an end');
      if (text[end] === '\\') end++;
    }
    let value: string;
    try {
      value = JSON.parse(text.slice(at, end + 1)) as string;
    } catch {
      return fail('no proper string');
    }
    if (/\p{Surrogate}/u.test(value)) fail('half a character');
    at = end + 1;
    return value;
  };
  const value = (level: number): PlainJson => {
    space();
    if (text[at] === '"') return string();
    if (text[at] === '[') {
      const list: PlainJson[] = [];
      each(']', level, () => list.push(value(level + 1)));
      return list;
    }
    if (text[at] === '{') {
      const object = new Map<string, PlainJson>();
      each('}', level, () => {
        space();
        const key = string();
        if (object.has(key)) fail(`the name ${JSON.stringify(key)} a second time`);
        space();
        if (text[at] !== ':') fail('no colon');
        at++;
        object.set(key, value(level + 1));
      });
      return object;
    }
    return number();
  };
  const result = value(1);
  space();
  return at === text.length ? result : fail('something after the end');
}

const wholeNumber = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
