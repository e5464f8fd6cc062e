import { defineConfig } from 'oxfmt';

export default defineConfig({
  printWidth: 120,
  singleQuote: true,
  quoteProps: 'consistent',
  sortPackageJson: false,
  ignorePatterns: [
    'dist/',
    'coverage/',
    '.toolchain/',
    'packages/',
    'package-lock.json',
    'schemas/',
    'src/schemas/types.ts',
    'src/schemas/compiled/',
    // Made from the code or from tests, as they print it.
    'docs/errors.md',
    'docs/exit-codes.md',
    'docs/steps.md',
    'docs/checks.md',
    // Broken on purpose.
    'test/plan/corpus/',
  ],
});
