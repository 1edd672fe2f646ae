// Figure 1: the slices of a result and the drawing in paper/architecture.typ.
import { Resvg } from '@resvg/resvg-js';
import { InputError } from '../base/errors';
import { inRepo } from '../base/paths';
import type { Result } from '../results/result';
import { equationsOf } from './equations';
import { maskLayer, rgb } from '../plots/mask-layer';
import type { Slices } from '../plots/slices';
import { slicesOf } from '../plots/slices';
import { planeStyle } from '../plots/theme';
import { viewsOf } from './slices';
import { paperSources } from './sources';
import { Typesetter } from './typst';

/** The result that holds the slices. */
export const slicesId = 'three-planes.slices';

/** What cuts each plane along its columns (vertical line) and along its rows (horizontal line). */
const cuts = {
  axial: ['sagittal', 'coronal'],
  coronal: ['sagittal', 'axial'],
  sagittal: ['coronal', 'axial'],
} as const;

/** The slices among some results. @throws InputError when there are none */
export function findSlices(results: ReadonlyMap<string, Result>): Slices {
  const result = results.get(slicesId);
  if (result) return slicesOf(result);
  throw new InputError({
    what: 'cannot draw Figure 1',
    given: `no result ${slicesId}`,
    expected: 'three recorded slices through one voxel',
    fix: 'run `npm run reproduce -- --record` to record them',
  });
}

/** What Figure 1 shows, for those who do not see it. */
function altText({ source }: Slices): string {
  return (
    'Diagram. A volume is cut by an axial, a coronal and a sagittal plane through one voxel. ' +
    `The three slices (${source.title}) pass through one shared network, a frozen ViT-H image encoder with trained ` +
    'low-rank adapters and a mask decoder, and give three masks. The axial mask is compared with the coronal and ' +
    'with the sagittal one in the intersection consistency loss; all three enter the segmentation loss.'
  );
}

/** Hand the slices to a typesetter: /build/slices.json and the picture files that it names. */
export function addSlices(typesetter: Typesetter, slices: Slices): void {
  const views = viewsOf(slices);
  const planes = slices.planes.map((plane, i) => {
    const colour = rgb(planeStyle[plane.name].colour);
    const files = { picture: `/build/${plane.name}.png`, mask: `/build/${plane.name}-mask.png` };
    typesetter.add(files.picture, Buffer.from(plane.png, 'base64'));
    typesetter.add(
      files.mask,
      maskLayer(plane.maskPng, () => colour),
    );
    const { width, height, crosshair, spacing, letters } = plane;
    return [
      plane.name,
      { ...files, width, height, crosshair, spacing, letters, view: views[i], cuts: cuts[plane.name] },
    ];
  });
  typesetter.add(
    '/build/slices.json',
    JSON.stringify({
      slices: Object.fromEntries(planes) as unknown,
      source: slices.source,
      alt: altText(slices),
    }),
  );
}

/** Figure 1 on its own. */
export interface FigureOne {
  svg: string;
  pdf: Uint8Array;
  png: Uint8Array;
}

/**
 * Draw Figure 1, 183 mm wide: SVG, PDF with its text as text, PNG at 300 dots an inch.
 * @param results  must hold the slices
 */
export async function drawFigureOne(
  results: ReadonlyMap<string, Result>,
  { paperDir = inRepo('paper'), seconds = 0 }: { paperDir?: string; seconds?: number } = {},
): Promise<FigureOne> {
  const typesetter = new Typesetter(paperDir);
  addSlices(typesetter, findSlices(results));
  typesetter.add('/build/equations.json', JSON.stringify(await equationsOf(paperSources(paperDir))));
  // lib.typ reads these whatever is set; Figure 1 uses none.
  for (const name of ['numbers', 'tables', 'figures', 'studies', 'claims']) {
    typesetter.add(`/build/${name}.json`, '{}');
  }
  const svg = typesetter.svg('figure-1.typ');
  return {
    svg,
    pdf: typesetter.pdf('figure-1.typ', seconds).bytes,
    // All text is drawn as outlines in this SVG: no font is needed. A picture element has 96 dots an inch.
    png: new Resvg(svg, { fitTo: { mode: 'zoom', value: 300 / 96 }, font: { loadSystemFonts: false } })
      .render()
      .asPng(),
  };
}
