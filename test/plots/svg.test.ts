// The parts under the pipeline: measuring, painting, the fixed form. Expected values are worked out by hand.
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { CanvasPixels } from '../../src/plots/canvas';
import { canonicalSvg, textByFace } from '../../src/plots/canonical-svg';
import { textWidth } from '../../src/plots/fonts';
import { parseTransform, pathBox, transformBox } from '../../src/plots/geometry';
import type { SvgElement } from '../../src/plots/svg-metrics';
import { boundingBox } from '../../src/plots/svg-metrics';
import type { XmlElement } from '../../src/plots/xml';
import { parseXml, writeXml } from '../../src/plots/xml';

/** An element of our XML tree in the form of a DOM element. */
function dom(node: XmlElement, parent: unknown = null): SvgElement {
  const children: SvgElement[] = [];
  const childNodes: SvgElement['childNodes'] extends Iterable<infer T> ? T[] : never = [];
  const made = {
    nodeType: 1,
    tagName: node.name,
    textContent: null,
    parentNode: parent,
    children,
    childNodes,
    getAttribute: (name: string) => node.attributes.get(name) ?? null,
  };
  for (const child of node.children) {
    const c = typeof child === 'string' ? { nodeType: 3, textContent: child } : dom(child, made);
    childNodes.push(c);
    if (typeof child !== 'string') children.push(c as SvgElement);
  }
  return made;
}
const box = (svg: string) => boundingBox(dom(parseXml(svg)));

describe('boxes', () => {
  it('follow paths, absolute and relative', () => {
    expect(pathBox('M10,20h5v-8l-2,3H0Z')).toEqual([0, 12, 15, 20]);
    expect(pathBox('M5,0A5,5 0 1,1 0,-5A5,5 0 0,1 5,0Z')).toEqual([0, -5, 5, 0]);
    expect(pathBox('M1-2.5.5.5')).toEqual([0.5, -2.5, 1, 0.5]);
    expect(pathBox('')).toBeNull();
  });

  it('follow transforms, the innermost first', () => {
    const m = parseTransform('translate(10,20) rotate(90)');
    expect(transformBox([0, 0, 4, 1], m).map((v) => Math.round(v * 1e9) / 1e9)).toEqual([9, 20, 10, 24]);
    expect(transformBox([1, 1, 2, 2], parseTransform('scale(2,3)translate(1)'))).toEqual([4, 3, 6, 6]);
    expect(() => parseTransform('skewX(3)')).toThrow('skewX');
  });

  it('of a group hold what shows, and nothing else', () => {
    const hidden =
      '<rect x="-9" y="0" width="1" height="1" display="none"/><defs><rect width="99" height="99"/></defs>';
    const svg = `<g><g transform="translate(5,0)"><rect x="1" y="2" width="3" height="4"/></g><line x1="0" y1="1" x2="2" y2="9"/>${hidden}</g>`;
    expect(box(svg)).toEqual([0, 1, 9, 9]);
  });

  it('of text follow anchor, size and lines', () => {
    const wide = textWidth('plane', 'regular', 10);
    const middle = box('<text x="50" y="30" font-size="10" text-anchor="middle">plane</text>')!;
    expect(middle[0]).toBeCloseTo(50 - wide / 2, 9);
    expect(middle[2]).toBeCloseTo(50 + wide / 2, 9);
    expect([middle[1], middle[3]]).toEqual([20, 34]);
    const two =
      '<text x="0" y="10" font-size="10"><tspan class="line" dy="0em">plane</tspan><tspan class="line" dy="1.3em"><tspan font-weight="bold">plane</tspan></tspan></text>';
    expect(box(two)).toEqual([0, 0, textWidth('plane', 'bold', 10), 27]);
  });
});

describe('the canvas', () => {
  it('paints rectangles into a PNG', () => {
    const canvas = new CanvasPixels({ width: 3, height: 2 });
    canvas.fillStyle = 'rgba(10, 20, 30, 0.5)';
    canvas.fillRect(1, 0, 1, 2);
    const png = PNG.sync.read(Buffer.from(canvas.toDataURL().split(',')[1], 'base64'));
    expect([...png.data.subarray(0, 12)]).toEqual([0, 0, 0, 0, 10, 20, 30, 128, 0, 0, 0, 0]);
  });

  it('refuses colours that it does not know', () => {
    const canvas = new CanvasPixels({ width: 1, height: 1 });
    canvas.fillStyle = 'red';
    expect(() => canvas.fillRect(0, 0, 1, 1)).toThrow('canvas colour red is not handled');
  });
});

describe('the fixed form', () => {
  const card = { id: 'f', title: 'T', alt: 'A < B', metadata: '{}', widthMm: 10, heightMm: 5 };
  const svg = (body: string) => `<svg width="38" height="19">${body}</svg>`;

  it('numbers ids, turns style into attributes, rounds, and drops what draws nothing', () => {
    const tree = canonicalSvg(
      svg(
        '<defs><clipPath id="clip9f3"><rect width="1" height="2"/></clipPath><clipPath id="unused"><rect/></clipPath></defs>' +
          '<g class="x"><g/></g><path class="y"/>' +
          `<g clip-path="url('#clip9f3')"><rect x="0.123456" style="fill: rgb(255, 0, 16); stroke-width: 1px; pointer-events: all;"/></g>`,
      ),
      card,
    );
    const body = writeXml(tree).split('</metadata>\n')[1];
    expect(body).toBe(
      ' <defs>\n  <clipPath id="f-1">\n   <rect width="1" height="2"/>\n  </clipPath>\n </defs>\n' +
        ' <g clip-path="url(#f-1)">\n  <rect x="0.123" fill="#ff0010" stroke-width="1"/>\n </g>\n</svg>\n',
    );
    expect(writeXml(tree)).toContain('<desc id="f-desc">A &lt; B</desc>');
  });

  it('does not depend on random ids', () => {
    const one = (id: string) => svg(`<defs><g id="${id}"><rect/></g></defs><use href="#${id}" fill="#abc"/>`);
    const text = (id: string) => writeXml(canonicalSvg(one(id), card));
    expect(text('a1b2c3')).toBe(text('ffffff'));
  });

  it('refuses style that it does not know, and references to nothing', () => {
    expect(() => canonicalSvg(svg('<rect style="filter: blur(2px)"/>'), card)).toThrow(
      'style property filter',
    );
    expect(() => canonicalSvg(svg('<rect fill="url(#gone)"/>'), card)).toThrow('refers to #gone');
  });

  it('collects text by face and refuses characters without a glyph', () => {
    const tree = parseXml('<svg><text>ab<tspan font-weight="bold">b&amp;c</tspan></text></svg>');
    expect([...textByFace(tree)]).toEqual([
      ['regular', 'ab'],
      ['bold', '&bc'],
    ]);
    expect(() => textByFace(parseXml('<svg><text>骨</text></svg>'))).toThrow('U+9aa8');
  });

  it('puts nothing between the lines of a text: a line break would be drawn as a space', () => {
    const lines =
      '<text x="9" text-anchor="end"><tspan x="9">one</tspan><tspan x="9"><tspan>two</tspan></tspan></text>';
    expect(writeXml(parseXml(`<svg>${lines}</svg>`))).toBe(`<svg>\n ${lines}\n</svg>\n`);
  });

  it('reads only well-formed XML', () => {
    expect(() => parseXml('<a><b></a>')).toThrow('</a> closes <b>');
    expect(() => parseXml('<a>')).toThrow('not closed');
    expect(() => parseXml('<a>1 < 2</a>')).toThrow('opens no element');
  });
});
