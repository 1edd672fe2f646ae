// Second choice: how much the consistency term weighs.
import { choiceStudy, lambdaRule } from './choices';
import { chosenRate } from './chosen-rate';
import { lambdaRuns } from './runs';

export const crossPlaneLambda = choiceStudy(
  {
    id: 'cross-plane-lambda',
    title: 'Training on linked planes: lambda, chosen on cases that are not scored',
    module: 'experiments/cross-plane/lambda-choice',
    name: 'crossPlaneLambda',
  },
  'triplets-consistent',
  lambdaRuns(chosenRate),
  lambdaRule,
);
