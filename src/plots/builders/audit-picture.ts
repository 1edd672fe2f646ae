// audit-picture: the three planes that show the most of what a prediction has wrong, over the image.
import type { LinkedPlanes } from '../../results/linked-planes';
import { rgb, withMask } from '../mask-layer';
import type { Drawable } from '../picture';
import { planePanels } from '../plane-panels';
import { labelColour, size, template, width } from '../theme';
import { escape } from '../xml';
import { labelKey } from './linked-planes';

const margin = { l: 4, r: 4, t: 62, b: 4 };
/** Pixels below the slices for the key. */
const keyHeight = 18;

/** What stands beside the picture. */
export interface AuditWords {
  /** Which case and class it is. */
  title: string;
  /** Its scores. */
  scores: string;
}

/** @param planes  three planes of the image whose masks are the error map, with the names of its values */
export function auditPicture(planes: LinkedPlanes, { title, scores }: AuditWords): Drawable {
  const panels = planePanels(
    planes.planes.map((p) => ({
      ...p,
      letters: p.edges,
      png: p.maskPng ? withMask(p.png, p.maskPng, (label) => rgb(labelColour(label))) : p.png,
    })),
    width.two - margin.l - margin.r,
    keyHeight,
  );
  const named = planes.labels.map((l) => l.name).join(', ');
  const heading = {
    text: `<b>${escape(title)}</b>  ${escape(scores)}`,
    xref: 'paper',
    yref: 'paper',
    x: 0,
    y: 1,
    xanchor: 'left',
    yanchor: 'bottom',
    yshift: 36,
    showarrow: false,
    font: { size: size.heading },
  };
  return {
    id: 'audit-worst',
    title: `${title}: ${scores}`,
    alt: `Axial, coronal and sagittal slice with ${named} marked, each with two lines that cross at the shared voxel.`,
    stamp: null,
    spec: {
      data: panels.traces,
      layout: {
        ...panels.axes,
        template,
        width: width.two,
        height: margin.t + panels.height + keyHeight + margin.b,
        margin,
        images: panels.images,
        annotations: [
          ...panels.annotations,
          heading,
          labelKey(planes, 1 - panels.height / (panels.height + keyHeight)),
        ],
        showlegend: false,
      },
    },
  };
}
