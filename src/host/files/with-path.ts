/** What the system said of a file that was open has no name in it: gives it one. @returns the same error */
export function withPath(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const fault = error as NodeJS.ErrnoException;
  if (fault.code === undefined || fault.syscall === undefined || fault.path !== undefined) return error;
  fault.path = path;
  fault.message += ` '${path}'`;
  return error;
}
