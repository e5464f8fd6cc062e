import { expect, test } from 'vitest';
import { anyCpu, cpusOf } from '../../../src/host/system/allowed-cpus.ts';

test('a list of processors is told one by one', () => {
  expect(cpusOf('0')).toEqual([0]);
  expect(cpusOf('0-3')).toEqual([0, 1, 2, 3]);
  expect(cpusOf('1,4-5,8')).toEqual([1, 4, 5, 8]);
});

test('any is one that this process may use', () => {
  expect(anyCpu()).toBeGreaterThanOrEqual(0);
});
