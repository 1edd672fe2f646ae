// Every case of the proof.
import type { OpCase } from './case';
import { blockCases } from './cases-block';
import { convolutionCases } from './cases-convolution';
import { elementwiseCases } from './cases-elementwise';
import { fusedCases } from './cases-fused';
import { indexCases } from './cases-index';
import { lossCases } from './cases-loss';
import { normaliseCases } from './cases-normalise';
import { optimiserCases } from './cases-optimiser';
import { poolCases } from './cases-pool';
import { productCases } from './cases-product';
import { reduceCases } from './cases-reduce';
import { resizeCases } from './cases-resize';
import { shapeCases } from './cases-shape';

export const cases: OpCase[] = [
  ...elementwiseCases,
  ...reduceCases,
  ...shapeCases,
  ...productCases,
  ...convolutionCases,
  ...poolCases,
  ...resizeCases,
  ...normaliseCases,
  ...indexCases,
  ...blockCases,
  ...fusedCases,
  ...lossCases,
  ...optimiserCases,
];
