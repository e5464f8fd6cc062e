/** What the caller's umask took away before {@link keepPrivate}; that of most systems, where nobody has called it. */
let callersMask = 0o022;

/**
 * From now on everything that this process and the programs that it starts make belongs to this user alone, from the first byte on:
 * disks, indexes, sockets, logs. The first thing that a program does.
 */
export function keepPrivate(): void {
  callersMask = process.umask(0o077);
}

/** The mode of a file that others shall read where the caller's umask lets them: a unit of systemd, a plan, metrics. */
export const sharedMode = (mode: number): number => mode & ~callersMask;
