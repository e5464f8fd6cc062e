import { toSendenseError } from '../../errors/sendense-error.ts';
import type { DoctorOutput } from '../../schemas/types.ts';

export type CheckResult = DoctorOutput['checks'][number];

/** What one check found; the way out where there is something to do. */
export type Finding = Pick<CheckResult, 'result' | 'message'> & Partial<Pick<CheckResult, 'remedy' | 'code'>>;

export const ok = (message: string): Finding => ({ result: 'ok', message });
export const skipped = (message: string): Finding => ({ result: 'skipped', message });
export const warn = (message: string, remedy: string): Finding => ({ result: 'warn', message, remedy });
export const fail = (message: string, remedy: string): Finding => ({ result: 'fail', message, remedy });

/** What was thrown, as a check that failed. */
export function failedBy(thrown: unknown): Finding {
  const { message, remedy, code } = toSendenseError(thrown);
  return { result: 'fail', message, remedy, code };
}

/** The worst of all; decides the exit status. */
export function worstOf(results: readonly CheckResult['result'][]): DoctorOutput['result'] {
  return results.includes('fail') ? 'fail' : results.includes('warn') ? 'warn' : 'ok';
}
