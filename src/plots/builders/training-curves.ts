// training-curves: what trainings showed of themselves, a panel for each quantity and a line for each training.
//
// Data: `{panels: [{name, title, scale}], runs: [{title, curves: {NAME: [[step, value], ...]}}]}`; a training without a quantity has no
// line in its panel. Numbers of steps are means over windows where the study took them so.
import { z } from 'zod';
import { formatNumber } from '../../results/format';
import { logAxis } from '../axes';
import type { Result } from '../../results/result';
import type { Builder, DataRow } from '../figure';
import { dataOf, pointRow } from '../figure';
import { panelHeading } from '../panel-heading';
import type { JsonObject, Trace } from '../spec';
import { grey, palette, size, template, width } from '../theme';

const dataSchema = z.strictObject({
  panels: z
    .array(z.strictObject({ name: z.string(), title: z.string(), scale: z.enum(['linear', 'log']) }))
    .min(1)
    .max(6),
  runs: z
    .array(
      z.strictObject({
        title: z.string(),
        curves: z.record(z.string(), z.array(z.tuple([z.number(), z.number()]))),
      }),
    )
    .min(1)
    .max(5),
});
type Data = z.infer<typeof dataSchema>;
type Panel = Data['panels'][number];
type Run = Data['runs'][number];

/** A colour and a dash as second cue. */
const styles = [
  { colour: palette.blue, dash: 'solid' },
  { colour: palette.vermilion, dash: 'dash' },
  { colour: grey.ink, dash: 'dot' },
  { colour: palette.green, dash: 'dashdot' },
  { colour: palette.purple, dash: 'longdash' },
] as const;

const margin = { l: 52, r: 10, t: 28, b: 40 };
const panelHeight = 140;
const gap = 52;
const columnsOf = ({ panels }: Data): number => (panels.length === 1 ? 1 : 2);

export const trainingCurves: Builder = (own) => {
  const data = dataOf(own, dataSchema);
  const { panels, runs } = data;
  const columns = columnsOf(data);
  const rows = Math.ceil(panels.length / columns);
  const inner = rows * panelHeight + (rows - 1) * gap;
  const place = (k: number): { x: [number, number]; y: [number, number] } => {
    const [row, column] = [Math.floor(k / columns), k % columns];
    const top = 1 - (row * (panelHeight + gap)) / inner;
    return {
      x: columns === 1 ? [0, 1] : column === 0 ? [0, 0.44] : [0.56, 1],
      y: [top - panelHeight / inner, top],
    };
  };
  const axes = panels.flatMap(({ scale, name }, k): [string, JsonObject][] => {
    const id = k === 0 ? '' : `${k + 1}`;
    const { x, y } = place(k);
    const isLast = k >= panels.length - columns;
    return [
      [
        `xaxis${id}`,
        { domain: x, anchor: `y${id}`, rangemode: 'tozero', ...(isLast && { title: { text: 'Step' } }) },
      ],
      [`yaxis${id}`, { domain: y, anchor: `x${id}`, ...(scale === 'log' && valuesOf(runs, name).length > 0 ? logAxis(valuesOf(runs, name)) : { nticks: 5 }) }], // prettier-ignore
    ];
  });
  const key = runs.length > 1 ? 16 * runs.length : 0;
  return {
    title: own.title,
    caption: caption(data),
    alt: panels.flatMap((panel) => runs.flatMap((run) => said(panel, run))).join(' '),
    spec: {
      data: panels.flatMap((panel, k) => runs.flatMap((run, r) => line(panel, run, r, k))),
      layout: {
        template,
        width: columns === 1 ? width.one : width.two,
        height: margin.t + inner + margin.b + key,
        margin: { ...margin, b: margin.b + key },
        showlegend: false,
        ...Object.fromEntries(axes),
        annotations: [
          ...panels.map(({ title }, k) => panelHeading(k, title, place(k).x[0], place(k).y[1])),
          ...(key > 0 ? runs.map((run, r) => keyLine(run, r)) : []),
        ],
      },
    },
    rows: panels.flatMap((panel) => runs.flatMap((run) => rowsOf(panel, run, own))),
    uses: [own],
  };
};

/** What is drawn of a quantity on an axis of logarithms. */
const valuesOf = (runs: readonly Run[], name: string): number[] =>
  runs.flatMap(({ curves }) => (curves[name] ?? []).map(([, value]) => value)).filter((value) => value > 0);

function line({ name, scale }: Panel, { title, curves }: Run, r: number, k: number): Trace[] {
  const points = (curves[name] ?? []).filter(([, value]) => scale === 'linear' || value > 0);
  if (points.length === 0) return [];
  const { colour, dash } = styles[r];
  const id = k === 0 ? '' : `${k + 1}`;
  return [
    {
      type: 'scatter',
      mode: 'lines',
      name: title,
      x: points.map(([step]) => step),
      y: points.map(([, value]) => value),
      xaxis: `x${id}`,
      yaxis: `y${id}`,
      line: { color: colour, dash, width: 1.3 },
      hovertext: points.map(
        ([step, value]) => `${title}, step ${step}: ${formatNumber(value, { digits: 4 })}`,
      ),
      hoverinfo: 'text',
    },
  ];
}

const dashes = { solid: '———', dash: '– – –', dot: '· · · ·', dashdot: '– · –', longdash: '— —' } as const;
const keyLine = ({ title }: Run, r: number): JsonObject => ({
  text: `<span style="color:${styles[r].colour}">${dashes[styles[r].dash]}</span> ${title}`,
  xref: 'paper',
  yref: 'paper',
  x: 0,
  y: 0,
  xanchor: 'left',
  yanchor: 'top',
  yshift: -38 - 16 * r,
  font: { size: size.text },
});

/** Where a line begins and ends, in words. */
function said({ name, title }: Panel, run: Run): string[] {
  const points = run.curves[name] ?? [];
  if (points.length === 0) return [];
  const words = ([step, value]: [number, number]): string =>
    `${formatNumber(value, { digits: 3 })} at step ${step}`;
  return [`${title}, ${run.title}: ${words(points[0])}, ${words(points.at(-1)!)}.`];
}

const caption = (data: Data): string =>
  `What ${data.runs.length === 1 ? 'the training' : 'each training'} showed of itself, step by step. ` +
  data.panels.flatMap((panel) => data.runs.flatMap((run) => said(panel, run))).join(' ');

function rowsOf({ name, title }: Panel, run: Run, own: Result): DataRow[] {
  return (run.curves[name] ?? []).map(([step, value]) =>
    pointRow(own, `${title}, step ${step}`, run.title, value, '1'),
  );
}
