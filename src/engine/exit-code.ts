import { exitCodeOf, type SendenseError } from '../errors/sendense-error.ts';

/** Exit status of a run, see `docs/exit-codes.md`. */
export function exitCode(end: {
  readonly error: SendenseError | null;
  readonly undoErrors: readonly SendenseError[];
  readonly warnings: readonly string[];
}): number {
  const { error } = end;
  if (error === null) return end.warnings.length > 0 ? 3 : 0;
  if (end.undoErrors.length > 0) return 16;
  return exitCodeOf(error);
}
