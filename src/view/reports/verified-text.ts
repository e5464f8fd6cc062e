import type { RestorePointOutput, VerificationOutput } from '../../schemas/types.ts';
import { formatTime } from '../format.ts';

type Level = VerificationOutput['level'];
type Verified = Pick<RestorePointOutput, 'verifications'>;

/** How much of its files each level reads; null: it proves something else. */
const depth: Readonly<Record<Level, number | null>> = { quick: 0, digests: 1, deep: 2, boot: null, files: null };

/** In a few words: the deepest level that it passed, and what else was tried. */
export function verifiedText({ verifications = [] }: Verified): string {
  const read = verifications.filter(({ level, ok }) => ok && depth[level] !== null);
  const deepest = read.toSorted((a, b) => (depth[b.level] ?? 0) - (depth[a.level] ?? 0)).slice(0, 1);
  const others = verifications.filter(({ level, ok }) => depth[level] === null || !ok);
  return [...deepest, ...others].map(({ level, ok }) => (ok ? level : `${level} FAILED`)).join(', ');
}

/** A line for what was passed, and one for each level that failed or has a remark. */
export function verifiedLines({ verifications = [] }: Verified): { readonly text: string; readonly ok: boolean }[] {
  const passed = verifications.filter(({ ok }) => ok);
  const text = passed.map(({ level, finished }) => `${level} ${formatTime(finished)}`).join(', ');
  return [
    ...(passed.length > 0 ? [{ text: `verified: ${text}`, ok: true }] : []),
    ...verifications
      .filter(({ ok, detail }) => !ok || detail !== null)
      .map(({ level, ok, finished, detail }) => ({
        text: ok ? `${level}: ${detail}` : `${level} FAILED ${formatTime(finished)}: ${detail ?? 'nobody said why'}`,
        ok,
      })),
  ];
}
