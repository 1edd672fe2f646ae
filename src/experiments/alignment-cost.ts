// What view alignment trains and computes: parameters and FLOPs from shapes, time as published.
import { cards } from '../profilers/cards';
import {
  alignedBackbones,
  alignedNames,
  alignmentBatch,
  alignmentStepFlops,
  mlpParameters,
  predictorWidths,
  projectorWidths,
} from '../profilers/alignment-step';
import { primusM, primusParameters } from '../profilers/primus-counts';
import { uNetCounts, uNetShapes } from '../profilers/unet-counts';
import type { PublishedValues } from '../results/published';
import type { Findings } from './findings';

const daySeconds = 24 * 3600;

/** Parameters, FLOPs of a step and of the whole run, and what share of the card's rate the published time means. */
export function findCostOfAlignment(found: Findings, times: PublishedValues): void {
  const parameters = {
    'resenc-l': uNetCounts(uNetShapes['resenc-l']).parameters.total,
    'primus-m': primusParameters(primusM, [160, 160, 160], 1),
  };
  const rows = alignedNames.map((name) => {
    const { title, channels } = alignedBackbones[name];
    const million = (id: string, what: string, value: number, source: string): number => {
      found.derived(`parameters.${id}.${name}`, `Parameters of ${what}, ${title}`, 'M', value / 1e6, source);
      return value / 1e6;
    };
    const backbone = million(
      'backbone',
      'the backbone with its reconstruction',
      parameters[name],
      'sum over layers',
    );
    const heads = million(
      'heads',
      'projector and predictor',
      mlpParameters(projectorWidths(channels)) + mlpParameters(predictorWidths),
      'linear layers with biases, batch norms without weights',
    );
    const step = alignmentStepFlops(name);
    const run = `${name}.post`;
    const steps = times.number(run, 'epochs') * alignmentBatch.steps;
    const total = step * steps;
    found.derived(
      `flops.step.${name}`,
      `FLOPs of a training step of view alignment, ${title}`,
      'TFLOP',
      step / 1e12,
      stepFormula,
    );
    found.derived(
      `flops.run.${name}`,
      `FLOPs of view alignment from a pre-trained checkpoint, ${title}`,
      'EFLOP',
      total / 1e18,
      'FLOPs of a step x 250 steps x published epochs',
    );
    const seconds = times.number(run, 'days') * daySeconds;
    found.derived(
      `utilisation.${name}`,
      `Share of the peak 16-bit rate of ${cards.l40.name} that the published time of view alignment means, ${title}`,
      '1',
      total / seconds / cards.l40.flops.half,
      'derived FLOPs / published time / data sheet',
    );
    return {
      backbone: title,
      parameters: backbone,
      heads,
      step: step / 1e12,
      run: total / 1e18,
      days: times.number(run, 'days'),
      ours: 'not tested yet',
    };
  });
  const days = (run: string): number => times.number(run, 'days');
  const both = alignedNames.reduce((sum, n) => sum + days(`${n}.pre`), 0);
  const six = 6 * alignedNames.reduce((sum, n) => sum + days(`${n}.post`), 0);
  found.derived(
    'days.shared',
    'GPU days of the fourteen rows where each backbone is pre-trained once',
    'd',
    both + six,
    'pre-training of both + six runs from its checkpoint for each',
  );
  found.derived(
    'days.scratch',
    'GPU days of the fourteen rows where each is trained from scratch',
    'd',
    7 * both,
    'seven pre-trainings of each backbone',
  );
  found.table('cost', 'What view alignment trains and computes', 'derived', {
    columns: [
      { key: 'backbone', title: 'Backbone', align: 'left' },
      { key: 'parameters', title: 'Parameters', unit: 'M', digits: 1 },
      { key: 'heads', title: 'Projector and predictor', unit: 'M', digits: 1 },
      { key: 'step', title: 'A step', unit: 'TFLOP', digits: 1 },
      { key: 'run', title: 'The run', unit: 'EFLOP', digits: 2 },
      { key: 'days', title: 'Published time', unit: 'd', digits: 1 },
      { key: 'ours', title: 'Measured here', align: 'left' },
    ],
    rows,
  });
}

const stepFormula = '8 crops x (3 x student + teacher) with projector and predictor on the map of features';
