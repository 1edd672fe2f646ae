// What notebooks import: `import { ... } from '../dist'`.
export * from './base/errors';
export * from './base/interval';
export * from './base/random';
