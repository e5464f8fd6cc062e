import { describe, expect, test } from 'vitest';
import { timeText } from '../../../src/view/reports/files-report.ts';

describe('times of files', () => {
  test.each([
    ['0', '1970-01-01T00:00:00.000000000Z'],
    ['-1', '1969-12-31T23:59:59.999999999Z'],
    ['362083449609806062700', '+013443-12-20T16:00:09.806062700Z'],
    [String(2n ** 63n * 1_000_000_000n), '9223372036854775808 s'],
  ])('%s ns are %s', (ns, text) => expect(timeText(ns, true)).toBe(text));
});
