// `coc audit`: scores, jitter and agreement of predicted masks, and a picture of the worst.
import type { Command } from 'commander';
import { InputError } from '../../base/errors';
import type { Prediction } from '../../metrics/audit';
import type { LabelClass } from '../../metrics/label-maps';
import type { PlaneName } from '../../sampling/plane';
import type { Volume } from '../../volume/volume';
import type { AuditOptions } from '../audit-options';
import { checkFolder, parseLabels, parseRegion, parseVoxel, planesOf } from '../audit-options';
import { jsonOption, print, terminal } from '../output';

/** More labels than this are no classes: somebody passed an image. */
const mostClasses = 256;

export function define(command: Command): void {
  command
    .argument('<image>', 'the image that was segmented: .nii, .nii.gz, .hdr or .img')
    .argument('[prediction...]', 'label maps on its grid, each a case')
    .option('--truth <file>', 'the reference label map')
    .option('--axial <file>', 'prediction made slice by slice in axial planes')
    .option('--coronal <file>', 'the same in coronal planes')
    .option('--sagittal <file>', 'the same in sagittal planes')
    .option('--labels <list>', 'labels to audit, such as 1,2,4 (default: all that occur, but 0)', parseLabels)
    .option(
      '--region <name=list>',
      'labels that count as one class, such as WT=1,2,3,4; may be repeated',
      parseRegion,
    )
    .option('--tolerance <mm>', 'how far surfaces may be apart for NSD', Number, 1)
    .option('--voxel <x,y,z>', 'agreement on the three lines through this voxel only', parseVoxel)
    .option('--frame <index>', 'which frame of an image with more than three axes', Number)
    .option('--out <folder>', 'where the tables and the picture go', 'audit')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Writes into the folder: audit.csv, a line for each case and class; worst.svg and worst.png, the worst of them over the
image (least Dice; without truth, least alike from slice to slice); with --axial, --coronal and --sagittal agreement.csv.

Label maps may be stored in another order or sense of axes than the image; they are turned, never resampled. Another
shape or another place in the world is refused. Each label is a class of its own.

With --truth: Dice, HD95, ASD, ASSD and NSD in mm. Programs differ in these, so each column says whose definition it
is and what empty masks score: hd95-mm.monai.empty-nan-nan-nan is MONAI's, and NaN when both masks, only the truth, or
only the prediction is empty (none: that program refuses). --json tells what each one computes.
adjacent-dice.PLANE is the mean Dice of neighbouring slices; jitter.PLANE is that of the prediction minus that of the
truth: below 0, the prediction jumps more from slice to slice than the anatomy.

With three predictions of one case, made in slices of the three planes: on the lines where two planes meet, and where
either or the truth is foreground, the shares where they disagree, agree and are right, agree and are wrong. A model
that has collapsed agrees with itself perfectly, so this needs --truth and stands beside Dice. Every voxel lies on such
a line of any two planes; --voxel takes one triplet.

Examples:
  coc audit flair.nii.gz unet.nii.gz sam.nii.gz --truth manual.nii.gz --region WT=1,2,3,4
  coc audit flair.nii.gz --axial a.nii.gz --coronal c.nii.gz --sagittal s.nii.gz --truth manual.nii.gz
  coc audit ct.nii.gz organs.nii.gz --labels 5,6 --json`,
    )
    .action(run);
}

async function run(imageFile: string, files: string[], options: AuditOptions): Promise<void> {
  const { asText, pictureOf, write } = await import('../audit-report.js');
  const { audit, auditAgreement } = await import('../../metrics/audit.js');
  const { planeNames } = await import('../../sampling/plane.js');
  const { agreementRecords, auditRecords } = await import('../../metrics/audit-table.js');
  const { definitions } = await import('../../metrics/definitions.js');
  const { onGridOf } = await import('../../metrics/label-maps.js');
  const { readNifti } = await import('../../volume/nifti.js');
  const defined = definitions(options.tolerance);
  const byPlane = planesOf(files, options);
  checkFolder(options);
  const long = terminal(options);
  const image = await readNifti(imageFile, { frame: options.frame, ...long });
  const labelsOf = async (file: string, what: string): Promise<Volume> =>
    onGridOf(image, await readNifti(file, long), `${what} ${file}`);
  const truth = options.truth === undefined ? undefined : await labelsOf(options.truth, 'the truth');
  const cases: Prediction[] = [];
  for (const file of files) cases.push({ name: file, labels: await labelsOf(file, 'the prediction') });
  const three: Partial<Record<PlaneName, Volume>> = {};
  for (const plane of byPlane ? planeNames : []) {
    const labels = await labelsOf(byPlane![plane], `the ${plane} prediction`);
    three[plane] = labels;
    cases.push({ name: byPlane![plane], labels });
  }
  const classes = await classesOf([...cases.map((c) => c.labels), ...(truth ? [truth] : [])], options);
  const agreement = byPlane
    ? await auditAgreement(three as Record<PlaneName, Volume>, truth!, classes, {
        voxel: options.voxel,
        ...long,
      })
    : [];
  const rows = await audit(cases, classes, { truth, tolerance: options.tolerance, ...long });
  const tables = { audit: auditRecords(rows), agreement: agreementRecords(agreement) };
  const worst = await pictureOf(image, { rows, cases, classes, truth }, long);
  const written = await write(options.out, tables, worst?.files ?? {});
  const value = {
    image: imageFile,
    truth: options.truth ?? null,
    definitions: truth ? defined.map(({ key, unit, says }) => ({ key, unit, says })) : [],
    ...tables,
    worst: worst ? { case: worst.row.case, class: worst.row.class } : null,
    written,
  };
  print(options, value, options.json ? '' : await asText(rows, agreement, worst?.row, written));
}

async function classesOf(
  maps: Volume[],
  { labels, region: regions = [] }: AuditOptions,
): Promise<LabelClass[]> {
  const { labelsIn } = await import('../../metrics/label-maps.js');
  const found = labels ?? (regions.length > 0 ? [] : labelsIn(maps));
  if (found.length > mostClasses) {
    throw new InputError({
      what: 'cannot audit every label',
      given: `${found.length} different labels`,
      expected: `at most ${mostClasses}`,
      fix: 'pass label maps and no images, or choose labels with --labels',
    });
  }
  const classes = [
    ...regions,
    ...found.map((label): LabelClass => ({ name: String(label), labels: [label] })),
  ];
  if (classes.length > 0) return classes;
  throw new InputError({
    what: 'cannot audit',
    given: 'label maps that are 0 everywhere',
    expected: 'at least one label',
    fix: 'check the files with `coc nifti info`, or name labels with --labels to score empty masks',
  });
}
