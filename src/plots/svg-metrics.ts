// What a browser measures and a DOM without a screen cannot: the boxes of SVG text, shapes and groups.
import type { Face } from './fonts';
import { faceOf, lineExtent, textWidth } from './fonts';
import type { Box, Matrix } from './geometry';
import { identityMatrix, multiply, parseTransform, pathBox, transformBox, union } from './geometry';

interface SvgNode {
  readonly nodeType: number;
  readonly textContent: string | null;
}

/** The part of a DOM element that is read here. */
export interface SvgElement extends SvgNode {
  readonly tagName: string;
  readonly parentNode: unknown;
  readonly children: Iterable<SvgElement>;
  readonly childNodes: Iterable<SvgNode>;
  readonly style?: Record<string, string> | object;
  getAttribute(name: string): string | null;
}

const elementNode = 1;
const textNode = 3;

const tag = (element: SvgElement): string => element.tagName.toLowerCase();

function own(element: SvgElement, property: string): string {
  const camel = property.replace(/-(\w)/g, (_, c: string) => c.toUpperCase());
  const style = (element.style ?? {}) as Record<string, string | undefined>;
  // eslint-disable-next-line @typescript-eslint/prefer-nullish-coalescing -- an empty style says nothing
  return style[camel] || element.getAttribute(property) || '';
}

/** A property that children inherit: the nearest element that sets it decides. */
function inherited(element: SvgElement, property: string): string {
  for (
    let at: SvgElement | null = element;
    at?.nodeType === elementNode;
    at = at.parentNode as SvgElement | null
  ) {
    const value = own(at, property);
    if (value) return value;
  }
  return '';
}

function fontSize(element: SvgElement): number {
  for (
    let at: SvgElement | null = element;
    at?.nodeType === elementNode;
    at = at.parentNode as SvgElement | null
  ) {
    const value = own(at, 'font-size');
    if (value.endsWith('%')) return (fontSize(at.parentNode as SvgElement) * parseFloat(value)) / 100;
    if (value) return parseFloat(value);
  }
  return 12;
}

const face = (element: SvgElement): Face =>
  faceOf(inherited(element, 'font-weight'), inherited(element, 'font-style'));

/** The advance of all text in an element, in pixels. */
export function runWidth(element: SvgElement): number {
  let total = 0;
  for (const node of element.childNodes) {
    if (node.nodeType === textNode)
      total += textWidth(node.textContent ?? '', face(element), fontSize(element));
    else if (node.nodeType === elementNode) total += runWidth(node as SvgElement);
  }
  return total;
}

function length(value: string | null, em: number): number {
  if (!value) return 0;
  return value.endsWith('em') ? parseFloat(value) * em : parseFloat(value);
}

function textBox(text: SvgElement): Box | null {
  const em = fontSize(text);
  const { ascent, descent } = lineExtent(em);
  const anchor = inherited(text, 'text-anchor');
  const lines = [...text.children].filter((c) => (c.getAttribute('class') ?? '').split(' ').includes('line'));
  let box: Box | null = null;
  for (const line of lines.length > 0 ? lines : [text]) {
    const across = runWidth(line);
    if (across === 0) continue;
    const x = length(line.getAttribute('x') ?? text.getAttribute('x'), em);
    const y =
      length(line.getAttribute('y') ?? text.getAttribute('y'), em) + length(line.getAttribute('dy'), em);
    const x0 = anchor === 'middle' ? x - across / 2 : anchor === 'end' ? x - across : x;
    box = union(box, [x0, y - ascent, x0 + across, y + descent]);
  }
  return box;
}

function shapeBox(element: SvgElement): Box | null {
  const n = (name: string): number => length(element.getAttribute(name), 1);
  switch (tag(element)) {
    case 'text':
      return textBox(element);
    case 'rect':
    case 'image':
      return n('width') || n('height') ? [n('x'), n('y'), n('x') + n('width'), n('y') + n('height')] : null;
    case 'circle':
      return [n('cx') - n('r'), n('cy') - n('r'), n('cx') + n('r'), n('cy') + n('r')];
    case 'line':
      return union([n('x1'), n('y1'), n('x1'), n('y1')], [n('x2'), n('y2'), n('x2'), n('y2')]);
    case 'path':
      return pathBox(element.getAttribute('d') ?? '');
    default:
      return null;
  }
}

const unseen = new Set(['defs', 'clippath', 'style', 'title', 'desc', 'pattern', 'lineargradient']);

/** The box of an element with all it holds, in its own coordinates moved by `matrix`; null where it shows nothing. */
export function boundingBox(element: SvgElement, matrix: Matrix = identityMatrix): Box | null {
  if (unseen.has(tag(element)) || own(element, 'display') === 'none') return null;
  const shape = shapeBox(element);
  if (shape || tag(element) === 'text') return shape && transformBox(shape, matrix);
  let box: Box | null = null;
  for (const child of element.children) {
    box = union(box, boundingBox(child, multiply(matrix, parseTransform(child.getAttribute('transform')))));
  }
  return box;
}

/** From an element's coordinates to those of the `<svg>` around it. */
export function toScreen(element: SvgElement): Matrix {
  let matrix = identityMatrix;
  for (
    let at: SvgElement | null = element;
    at?.nodeType === elementNode;
    at = at.parentNode as SvgElement | null
  ) {
    if (tag(at) === 'svg') break;
    matrix = multiply(parseTransform(at.getAttribute('transform')), matrix);
  }
  return matrix;
}
