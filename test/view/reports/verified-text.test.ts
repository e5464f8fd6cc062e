import { expect, test } from 'vitest';
import type { VerificationOutput } from '../../../src/schemas/types.ts';
import { formatTime } from '../../../src/view/format.ts';
import { verifiedLines, verifiedText } from '../../../src/view/reports/verified-text.ts';

const at = Date.UTC(2026, 10, 23, 11);
const found = (level: VerificationOutput['level'], ok = true, detail: string | null = null): VerificationOutput => ({
  level,
  ok,
  finished: at,
  detail,
});

test('a list names the deepest level that was passed, and what else was tried', () => {
  expect(verifiedText({})).toBe('');
  expect(
    verifiedText({ verifications: [found('quick'), found('digests'), found('boot', false), found('files')] }),
  ).toBe('digests, boot FAILED, files');
  expect(verifiedText({ verifications: [found('quick'), found('digests', false)] })).toBe('quick, digests FAILED');
});

test('a restore point says when each level was passed, and why one was not', () => {
  const time = formatTime(at);
  const verifications = [
    found('digests'),
    found('boot', false, 'no sign'),
    found('files', true, 'disk-0p2 is encrypted'),
  ];
  expect(verifiedLines({ verifications })).toEqual([
    { text: `verified: digests ${time}, files ${time}`, ok: true },
    { text: `boot FAILED ${time}: no sign`, ok: false },
    { text: 'files: disk-0p2 is encrypted', ok: true },
  ]);
  expect(verifiedLines({ verifications: [] })).toEqual([]);
});
