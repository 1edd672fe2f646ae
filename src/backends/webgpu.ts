import { InputError } from '../base/errors';
import type { Backend, Candidate } from './backend';

export const candidate: Candidate = {
  name: 'webgpu',
  open(): Promise<Backend> {
    return Promise.reject(
      new InputError({
        what: 'cannot open the backend webgpu',
        given: 'no code for it yet',
        expected: 'its loader',
        fix: 'choose another: COC_BACKEND=cpu',
      }),
    );
  },
};
