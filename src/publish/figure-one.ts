// Figure 1: the slices of a result and the drawing in paper/architecture.typ.
import path from 'node:path';
import { InputError } from '../base/errors';
import { readJson } from '../base/files';
import { canonicalJson } from '../base/hash';
import { inRepo } from '../base/paths';
import type { Result } from '../results/result';
import { equationsOf } from './equations';
import { maskLayer, rgb } from '../plots/mask-layer';
import type { Slices } from '../plots/slices';
import { renderPng } from '../plots/raster';
import { slicesOf } from '../plots/slices';
import type { Stamp } from '../plots/stamp';
import { stampKeywords, stampOf, stampParts, stampTexts } from '../plots/stamp';
import { planeStyle } from '../plots/theme';
import { escape } from '../plots/xml';
import type { Described } from './architecture-page';
import { architectureSchema } from './architecture-page';
import { viewsOf } from './slices';
import { paperSources } from './sources';
import { Typesetter } from './typst';

const figureOneTitle = 'The network of the study';

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

/** The line at the foot: a drawing is neither measured nor derived, its slices come from a run. */
export function figureOneStamp(stamp: Stamp): string {
  const run = stampParts({ ...stamp, kinds: [] }).filter((part) => part !== '');
  return ['drawn from the text of the study', `slices: ${run[0]}`, ...run.slice(1)].join(' · ');
}

/** Hand the slices among some results to a typesetter: /build/slices.json and the picture files that it names. */
export function addSlices(typesetter: Typesetter, results: ReadonlyMap<string, Result>): void {
  const slices = findSlices(results);
  const stamp = stampOf([results.get(slicesId)!]);
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
      title: figureOneTitle,
      alt: altText(slices),
      stamp: figureOneStamp(stamp),
      keywords: stampKeywords(stamp),
    }),
  );
}

/** Figure 1 on its own. */
export interface FigureOne extends Described {
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
  const slices = findSlices(results);
  const typesetter = new Typesetter(paperDir);
  addSlices(typesetter, results);
  typesetter.add('/build/equations.json', JSON.stringify(await equationsOf(paperSources(paperDir))));
  // lib.typ reads these whatever is set; Figure 1 uses none.
  for (const name of ['numbers', 'tables', 'figures', 'studies', 'claims']) {
    typesetter.add(`/build/${name}.json`, '{}');
  }
  const about = {
    title: figureOneTitle,
    caption: captionOf(slices),
    alt: altText(slices),
    stamp: stampOf([results.get(slicesId)!]),
  };
  const svg = describeSvg(typesetter.svg('figure-1.typ'), about);
  return {
    ...about,
    slices,
    drawing: architectureSchema.parse(readJson(path.join(paperDir, 'architecture.json'))),
    svg,
    pdf: typesetter.pdf('figure-1.typ', seconds).bytes,
    // All text is drawn as outlines in this SVG: the fonts make no difference.
    png: renderPng(svg, 300, stampTexts(about)),
  };
}

/** Typst's SVG with title, description and provenance, as our other pictures have them. */
function describeSvg(svg: string, { title, alt, stamp }: Pick<FigureOne, 'title' | 'alt' | 'stamp'>): string {
  const head = [
    `<title>${escape(title)}</title>`,
    `<desc>${escape(alt)}</desc>`,
    `<metadata>${escape(canonicalJson(stamp))}</metadata>`,
  ].join('\n');
  return svg.replace(/^<svg\b([^>]*)>/, (_, attributes: string) => `<svg role="img"${attributes}>\n${head}`);
}

function captionOf({ source }: Slices): string {
  return (
    'The network of the study, drawn from its text. Three planes through one voxel pass through one set of weights: a ' +
    'frozen image encoder with trained low-rank adapters and a mask decoder. The consistency term compares the axial mask ' +
    `with the coronal and the sagittal one. Slices: ${source.title} (${source.licence}); the masks are the reference ` +
    'label of that volume, not output of a model.'
  );
}
