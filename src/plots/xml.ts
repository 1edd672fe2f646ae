// A tree of XML elements: enough for the SVG that plotly writes, and for writing it out again in one fixed form.

/** An element; text stands unescaped in `children`. */
export interface XmlElement {
  name: string;
  attributes: Map<string, string>;
  children: (XmlElement | string)[];
}

/** An element from its parts. */
export function element(
  name: string,
  attributes: Record<string, string>,
  children: (XmlElement | string)[] = [],
): XmlElement {
  return { name, attributes: new Map(Object.entries(attributes)), children };
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (all, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(parseInt(name.slice(2), 16));
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
    return entities[name] ?? (name === 'nbsp' ? '\u00a0' : all);
  });
}

/** Text as it may stand in XML and HTML, in an element or in a double-quoted attribute. */
export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
}

/** Read well-formed XML without document type, comments or processing instructions. @throws where it is not */
export function parseXml(text: string): XmlElement {
  const root = element('root', {});
  const open = [root];
  const token = /<(\/?)([\w:-]+)((?:\s+[\w:-]+="[^"]*")*)\s*(\/?)>|([^<]+)|(<)/g;
  for (const [, closes, name, attributes, empty, plain, stray] of text.matchAll(token)) {
    const parent = open[open.length - 1];
    if (stray) throw new Error('not the XML that is read here: a < that opens no element');
    if (plain !== undefined) parent.children.push(unescape(plain));
    else if (closes) {
      if (parent.name !== name) throw new Error(`</${name}> closes <${parent.name}>`);
      open.pop();
    } else {
      const made = element(name, {});
      for (const [, key, value] of attributes.matchAll(/([\w:-]+)="([^"]*)"/g))
        made.attributes.set(key, unescape(value));
      parent.children.push(made);
      if (!empty) open.push(made);
    }
  }
  if (open.length > 1) throw new Error(`<${open[open.length - 1].name}> is not closed`);
  const top = root.children.filter((c): c is XmlElement => typeof c !== 'string');
  if (top.length !== 1) throw new Error(`${top.length} top elements, not one`);
  return top[0];
}

/**
 * Write a tree, one element a line. Inside elements that hold text nothing is added: a line break between two `tspan`
 * would be drawn as a space, and shift a line that ends or stands centred at its place.
 */
export function writeXml(node: XmlElement, indent = ''): string {
  const attributes = [...node.attributes].map(([key, value]) => ` ${key}="${escape(value)}"`).join('');
  const head = `${indent}<${node.name}${attributes}`;
  if (node.children.length === 0) return `${head}/>\n`;
  if (node.name === 'text' || node.children.some((c) => typeof c === 'string')) {
    return `${head}>${node.children.map(inline).join('')}</${node.name}>\n`;
  }
  const inner = node.children.map((c) => writeXml(c as XmlElement, `${indent} `)).join('');
  return `${head}>\n${inner}${indent}</${node.name}>\n`;
}

function inline(node: XmlElement | string): string {
  if (typeof node === 'string') return escape(node);
  const attributes = [...node.attributes].map(([key, value]) => ` ${key}="${escape(value)}"`).join('');
  return `<${node.name}${attributes}>${node.children.map(inline).join('')}</${node.name}>`;
}

/** All elements of a tree, parents first. */
export function* descendants(node: XmlElement): Generator<XmlElement> {
  yield node;
  for (const child of node.children) if (typeof child !== 'string') yield* descendants(child);
}
