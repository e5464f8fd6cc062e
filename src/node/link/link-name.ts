import { createHash } from 'node:crypto';

/** Name that one process at a time holds (`held-name.ts`) for a state folder. */
export const linkName = (stateDir: string, what: 'enroll' | 'link'): string =>
  `${what}-${createHash('sha256').update(stateDir).digest('hex').slice(0, 24)}`;
