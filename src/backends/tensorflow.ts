import { InputError } from '../base/errors';
import type { Backend, Candidate } from './backend';

export const candidate: Candidate = {
  name: 'tensorflow',
  open(): Promise<Backend> {
    return Promise.reject(
      new InputError({
        what: 'cannot open the backend tensorflow',
        given: 'no code for it yet',
        expected: 'its loader',
        fix: 'choose another: COC_BACKEND=cpu',
      }),
    );
  },
};
