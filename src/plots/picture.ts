// A figure as a still picture: checked, drawn by plotly, brought into its fixed form. Every static output starts here.
import { InputError } from '../base/errors';
import { canonicalJson } from '../base/hash';
import { canonicalSvg, textByFace } from './canonical-svg';
import { plotly, plotlySvg } from './dom';
import { fontCss } from './embed-fonts';
import type { Figure } from './figure';
import type { PlotSpec } from './spec';
import { traceTypes } from './spec';
import { element, writeXml } from './xml';

/** A still picture in its two forms. */
export interface Picture {
  /** Without fonts: what resvg and Typst draw, who have the fonts. */
  bare: string;
  /** With the characters it needs: what stands in a page by itself. */
  svg: string;
}

const millimetres = (pixels: number): number => Number(((pixels / 96) * 25.4).toFixed(3));

/** What a picture needs of a figure. The stamp goes into the file's metadata; null where nothing is known of a run. */
export type Drawable = Pick<Figure, 'id' | 'title' | 'alt' | 'spec'> & { stamp: Figure['stamp'] | null };

/**
 * Draw a figure as SVG. The first call loads plotly (about 1 s).
 * @throws InputError for trace types that only a browser can draw, and for a spec that plotly does not accept
 */
export async function drawSvg(figure: Drawable): Promise<Picture> {
  await checkSpec(figure.id, figure.spec);
  const { width, height } = figure.spec.layout;
  const tree = canonicalSvg(await plotlySvg(copyOf(figure.spec)), {
    id: figure.id.replaceAll('.', '-'),
    title: figure.title,
    alt: figure.alt,
    metadata: canonicalJson(figure.stamp),
    widthMm: millimetres(width),
    heightMm: millimetres(height),
  });
  const css = await fontCss(textByFace(tree));
  const bare = writeXml(tree);
  tree.children.unshift(element('style', {}, [css]));
  return { bare, svg: writeXml(tree) };
}

/** The spec as JSON would hold it: keys without a value are left out. plotly writes into what it is given. */
function copyOf(spec: PlotSpec): PlotSpec {
  return JSON.parse(canonicalJson(spec)) as PlotSpec;
}

/** Refuse what the static pipeline cannot draw truly, before anything is drawn. */
export async function checkSpec(id: string, spec: PlotSpec): Promise<void> {
  const refuse = (given: string, expected: string, fix: string): InputError =>
    new InputError({ what: `cannot draw ${id}`, given, expected, fix });
  for (const trace of spec.data) {
    if (!traceTypes.includes(trace.type)) {
      throw refuse(
        `a trace of type ${String(trace.type)}`,
        `one of ${traceTypes.join(', ')} (the others need WebGL or a browser to measure in)`,
        'draw it with one of these, or check the type against Chromium and add it to src/plots/spec.ts',
      );
    }
  }
  for (const part of ['sliders', 'updatemenus'] as const) {
    if (spec.layout[part]) {
      throw refuse(
        `layout.${part}`,
        'a picture that says all without a click',
        'draw small multiples instead',
      );
    }
  }
  const copy = copyOf(spec);
  const faults = (await plotly()).validate(copy.data, copy.layout);
  if (faults) {
    throw refuse(
      faults.map((f) => f.msg).join('; '),
      'a specification that plotly accepts',
      'mend the builder',
    );
  }
}
