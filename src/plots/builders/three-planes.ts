// three-planes: the axial, coronal and sagittal slice through one voxel, side by side at one scale.
//
// Data: `{planes: [{name, width, height, png, maskPng, crosshair, spacing, letters}], source}`; pictures are PNG in
// base64. In each slice two lines show where the other two planes cut it; letters name the patient's sides.
import type { Builder, DataRow } from '../figure';
import { pointRow } from '../figure';
import { planePanels } from '../plane-panels';
import type { Slices } from '../slices';
import { slicesOf } from '../slices';
import { template, width } from '../theme';

type Slice = Slices['planes'][number];

const margin = { l: 4, r: 4, t: 40, b: 4 };

export const threePlanes: Builder = (own) => {
  const { planes, source } = slicesOf(own);
  const { traces, axes, images, annotations, height } = planePanels(planes, width.two - margin.l - margin.r);
  return {
    title: own.title,
    caption:
      `The three planes through one voxel, at one scale. Lines show where the other two planes cut each slice; the ` +
      `letters name the patient's sides (radiological convention). Source: ${source.title} (${source.licence}).`,
    alt: `Axial, coronal and sagittal slice of a head (${source.title}), each with two lines that cross at the shared voxel.`,
    spec: {
      data: traces,
      layout: {
        ...axes,
        template,
        width: width.two,
        height: margin.t + height + margin.b,
        margin,
        images,
        annotations,
        showlegend: false,
      },
    },
    rows: planes.flatMap((p) => sizesOf(p, own.id)),
    uses: [own],
  };
};

function sizesOf(p: Slice, result: string): DataRow[] {
  const row = (quantity: string, value: number, unit: string): DataRow =>
    pointRow({ id: result, kind: 'derived' }, quantity, p.name, value, unit);
  return [
    row('Columns', p.width, '1'),
    row('Rows', p.height, '1'),
    row('Column spacing', p.spacing[0], 'mm'),
    row('Row spacing', p.spacing[1], 'mm'),
  ];
}
