// plotly's SVG in one fixed form: the same figure gives the same bytes, and every program draws it alike.
//
// plotly's ids are random, its style is meant for browsers (resvg paints a quoted url() black and smooths what should
// be pixelated), and last digits depend on how a machine rounds sines. All that is settled here.
import { InputError } from '../base/errors';
import type { Face } from './fonts';
import { faceOf, missingGlyphs } from './fonts';
import type { XmlElement } from './xml';
import { descendants, element, parseXml } from './xml';

/** Style properties that become attributes, which all programs read. */
const presentation = new Set([
  'clip-path',
  'display',
  'dominant-baseline',
  'fill',
  'fill-opacity',
  'fill-rule',
  'font-family',
  'font-size',
  'font-style',
  'font-variant',
  'font-weight',
  'image-rendering',
  'mask',
  'opacity',
  'stop-color',
  'stop-opacity',
  'stroke',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'stroke-miterlimit',
  'stroke-opacity',
  'stroke-width',
  'text-anchor',
  'text-decoration',
  'text-decoration-line',
  'visibility',
]);
/** Style properties that mean nothing in a still picture. */
const browserOnly = new Set([
  'cursor',
  'pointer-events',
  'shape-rendering',
  'text-shadow',
  'text-transform',
  'transition',
  'user-select',
  'vector-effect',
  'white-space',
]);

/** What is written into the file beside the picture. */
export interface SvgCard {
  /** Prefix of all ids, so that pictures can stand in one page. */
  id: string;
  title: string;
  /** What the picture shows, for those who do not see it. */
  alt: string;
  /** Provenance, as JSON text. */
  metadata: string;
  /** Size on paper in millimetres. */
  widthMm: number;
  heightMm: number;
}

/**
 * Bring plotly's SVG into its fixed form.
 * @param svg   as plotly writes it
 * @param card  what is written beside the picture
 * @throws Error for style that is not known here: better than a picture that differs between programs
 */
export function canonicalSvg(svg: string, card: SvgCard): XmlElement {
  const root = parseXml(svg);
  for (const node of descendants(root)) plainAttributes(node);
  prune(root);
  renumber(root, card.id);
  prune(root);
  const [width, height] = [root.attributes.get('width')!, root.attributes.get('height')!];
  const titleId = `${card.id}-title`;
  const descriptionId = `${card.id}-desc`;
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      'xmlns:xlink': 'http://www.w3.org/1999/xlink',
      width: `${card.widthMm}mm`,
      height: `${card.heightMm}mm`,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-labelledby': `${titleId} ${descriptionId}`,
    },
    [
      element('title', { id: titleId }, [card.title]),
      element('desc', { id: descriptionId }, [card.alt]),
      element('metadata', {}, [card.metadata]),
      ...root.children,
    ],
  );
}

/** One element: style as attributes, no classes or data, short numbers, plain colours. */
function plainAttributes(node: XmlElement): void {
  const { attributes } = node;
  const style = attributes.get('style');
  for (const key of [...attributes.keys()]) {
    if (key === 'class' || key === 'style' || key.startsWith('data-') || key === 'xml:space')
      attributes.delete(key);
  }
  for (const declaration of style?.split(/;(?![^(]*\))/) ?? []) {
    const [, property, value] = /^\s*([\w-]+)\s*:\s*(.*?)\s*$/s.exec(declaration) ?? [];
    if (!property || browserOnly.has(property) || property.startsWith('--')) continue;
    if (!presentation.has(property))
      throw new Error(`style property ${property}: ${value} in a figure is not handled`);
    attributes.set(property, value);
  }
  for (const [key, value] of attributes) {
    if (!key.endsWith('href') && key !== 'id') attributes.set(key, plainValue(key, value));
  }
  if (attributes.get('transform') === '') attributes.delete('transform');
  if (attributes.get('patternTransform') === '') attributes.delete('patternTransform');
  if (attributes.get('opacity') === '1') attributes.delete('opacity');
}

function plainValue(key: string, value: string): string {
  if (key === 'image-rendering') return value === 'pixelated' ? 'optimizeSpeed' : value;
  if (key === 'font-family') return value.replaceAll('"', "'");
  return value
    .replace(/url\(["']?#([^"')]+)["']?\)/g, 'url(#$1)')
    .replace(/\brgb\((\d+), ?(\d+), ?(\d+)\)/g, (_, ...rgb: string[]) =>
      hexColour(rgb.slice(0, 3).map(Number)),
    )
    .replace(/(\d)px\b/g, '$1')
    .replace(/-?\d*\.\d{4,}(?:e[-+]?\d+)?/gi, (number) => `${+Number(number).toFixed(3) || 0}`);
}

const hexColour = (rgb: number[]): string => `#${rgb.map((c) => c.toString(16).padStart(2, '0')).join('')}`;

/** Leave out what draws nothing, and groups that only group. */
function prune(node: XmlElement): void {
  node.children = node.children.flatMap((child) => {
    if (typeof child === 'string') return node.name === 'text' || node.name === 'tspan' ? [child] : [];
    prune(child);
    if (child.attributes.get('display') === 'none' && child.name !== 'g') return [];
    if (child.name === 'path' && !child.attributes.get('d')) return [];
    if (child.children.length > 0 || !['g', 'defs', 'text', 'clipPath'].includes(child.name)) {
      return child.name === 'g' && child.attributes.size === 0 ? child.children : [child];
    }
    return [];
  });
}

/** The ids that an attribute refers to: `url(#id)` anywhere, `#id` in links (elsewhere that is a colour). */
function mapReferences(key: string, value: string, change: (id: string) => string): string {
  if (key.endsWith('href')) return value.replace(/^#(.+)$/, (_, id: string) => `#${change(id)}`);
  return value.replace(/url\(#([^)]+)\)/g, (_, id: string) => `url(#${change(id)})`);
}

/** Number the ids that something refers to in the order of the file, and drop the rest. */
function renumber(root: XmlElement, prefix: string): void {
  const used = new Set<string>();
  for (const node of descendants(root)) {
    for (const [key, value] of node.attributes) {
      mapReferences(key, value, (id) => {
        used.add(id);
        return id;
      });
    }
  }
  const renamed = new Map<string, string>();
  for (const node of descendants(root)) {
    const id = node.attributes.get('id');
    if (id !== undefined && used.has(id)) {
      renamed.set(id, `${prefix}-${renamed.size + 1}`);
      node.attributes.set('id', renamed.get(id)!);
    } else {
      node.attributes.delete('id');
      // Nothing is cut by it; without content it is pruned.
      if (node.name === 'clipPath') node.children = [];
    }
  }
  for (const node of descendants(root)) {
    for (const [key, value] of node.attributes) {
      const changed = mapReferences(key, value, (id) => {
        const name = renamed.get(id);
        if (!name) throw new Error(`the figure refers to #${id}, which it does not hold`);
        return name;
      });
      node.attributes.set(key, changed);
    }
  }
}

/**
 * The text of a picture, by face: what has to be embedded.
 * @throws InputError for a character that the font does not have: it would be missing in the picture
 */
export function textByFace(root: XmlElement): Map<Face, string> {
  const found = new Map<Face, Set<string>>();
  const visit = (node: XmlElement, weight: string, style: string): void => {
    const w = node.attributes.get('font-weight') ?? weight;
    const s = node.attributes.get('font-style') ?? style;
    for (const child of node.children) {
      if (typeof child !== 'string') visit(child, w, s);
      else if (node.name === 'text' || node.name === 'tspan') {
        const face = faceOf(w, s);
        found.set(face, new Set([...(found.get(face) ?? []), ...child]));
      }
    }
  };
  visit(root, 'normal', 'normal');
  const texts = new Map<Face, string>();
  for (const [face, characters] of found) {
    const text = [...characters].sort().join('');
    const missing = missingGlyphs(text, face);
    if (missing.length > 0) {
      throw new InputError({
        what: 'cannot draw the figure',
        given: `text with ${missing.map((c) => `${c} (U+${c.codePointAt(0)!.toString(16).padStart(4, '0')})`).join(', ')}`,
        expected: 'characters that Source Sans 3 has',
        fix: 'write it in other characters',
      });
    }
    texts.set(face, text);
  }
  return texts;
}
