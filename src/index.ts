// What notebooks import: `import { ... } from '../dist'`.
export * from './base/errors';
export * from './base/interval';
export * from './base/random';
export * from './volume/affine';
export * from './volume/orientation';
export * from './volume/volume';
export * from './volume/nifti';
export * from './volume/reorient';
export * from './volume/write-nifti';
export * from './datasets/manifest';
export * from './datasets/select';
export * from './datasets/fetch';
export * from './datasets/synthetic-head';
