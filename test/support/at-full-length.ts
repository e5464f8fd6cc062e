import { test, type TestFunction } from 'vitest';
import { all } from './rounds.ts';

/** A test of `npm run test:all` alone. In `npm test` it is not there: nothing is skipped. */
export const testAtFullLength: (name: string, body: TestFunction, timeoutMs?: number) => void = all
  ? test
  : () => undefined;
