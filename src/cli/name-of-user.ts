import { userInfo } from 'node:os';

/** Of whoever typed the command; a process need not have a user that has a name. */
export function nameOfUser(): string {
  const sudo = process.env['SUDO_USER'];
  if (sudo) return sudo;
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
