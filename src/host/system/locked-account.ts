import { readFileSync } from 'node:fs';

/**
 * Whether an account is locked, as an sshd without PAM takes it: its password begins with `!`. Null where /etc/shadow cannot be read, which
 * root alone can.
 */
export function isLockedAccount(user: string): boolean | null {
  let lines: string[];
  try {
    lines = readFileSync('/etc/shadow', 'utf8').split('\n');
  } catch {
    return null;
  }
  const entry = lines.find((line) => line.startsWith(`${user}:`));
  return entry?.split(':')[1]?.startsWith('!') ?? false;
}
