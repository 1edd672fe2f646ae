// What results of tests have for an identity: no code of ours made them.
import type { Identity } from '../../src/results/result';

export const noIdentity: Identity = {
  hash: 'made up',
  spec: '',
  code: '',
  modules: {},
  packages: {},
  data: {},
  backend: {},
};
