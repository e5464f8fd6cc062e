import { setPriority } from 'node:os';

/** The nice value of work that others go before. */
export const backgroundPriority = 15;

/** Lets other work of the machine go before a process of ours; one that has ended meanwhile is fine. */
export function toBackground(pid: number): void {
  try {
    setPriority(pid, backgroundPriority);
  } catch (error) {
    if ((error as { info?: { code?: string } }).info?.code !== 'ESRCH') throw error;
  }
}
