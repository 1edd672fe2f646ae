import path from 'node:path';
import tseslint from 'typescript-eslint';

const root = path.resolve(import.meta.dirname, '..');

// What computes is reached through one room, where it is chosen, mended and proven.
const engines = '^(@tensorflow[/]|tfjs-node-native$|webgpu$)';
const throughBackends =
  'Only src/backends may load an engine: take `tf` from src/backends/tf, and lazily, for it costs a second.';
const enginesOnlyInBackends = {
  'no-restricted-imports': ['error', { patterns: [{ regex: engines, message: throughBackends }] }],
  'no-restricted-syntax': [
    'error',
    ...[
      `ImportExpression[source.value=/${engines}/]`,
      `CallExpression[callee.name=/^require$/][arguments.0.value=/${engines}/]`,
      `CallExpression[callee.object.name=/^require$/][arguments.0.value=/${engines}/]`,
    ].map((selector) => ({ selector, message: throughBackends })),
  ],
};

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      '.cache/**',
      '.data/**',
      'notebooks/**',
      'paper/**',
      'figures/**',
    ],
  },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: path.join(root, 'tsconfig.json'), tsconfigRootDir: root } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      // Numbers in messages are what messages are for.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Loops over typed arrays use their index for more than the element.
      '@typescript-eslint/prefer-for-of': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    ignores: ['src/backends/**', 'test/backends/**'],
    rules: enginesOnlyInBackends,
  },
  // What runs in a browser is checked with the browser's types.
  {
    files: ['src/plots/web/*.ts'],
    languageOptions: { parserOptions: { project: path.join(root, 'src/plots/web/tsconfig.json') } },
  },
  // A verb's purpose is to print.
  { files: ['src/cli/**/*.ts', 'test/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
);
