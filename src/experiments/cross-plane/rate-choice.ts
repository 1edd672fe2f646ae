// First choice: how fast and how long trainings learn.
import { choiceStudy, rateRule } from './choices';
import { rateRuns } from './runs';

export const crossPlaneRate = choiceStudy(
  {
    id: 'cross-plane-rate',
    title: 'Training on linked planes: learning rate and steps, chosen on cases that are not scored',
    module: 'experiments/cross-plane/rate-choice',
    name: 'crossPlaneRate',
  },
  'triplets',
  rateRuns(),
  rateRule,
);
