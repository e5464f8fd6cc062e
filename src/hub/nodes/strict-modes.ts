import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SystemUser } from '../../host/system/system-user.ts';
import type { SshdConfigOutput } from '../../schemas/types.ts';

type Difference = SshdConfigOutput['differences'][number];

/**
 * The folders for which an sshd with `StrictModes` would not believe the key file: each from its own up to the user's home, or up to `/`
 * where it is elsewhere, must belong to that user or root and be writable for nobody else (sshd_config(5), auth_secure_path() of OpenSSH).
 * The file itself is not looked at.
 */
export function folderDifferences(keyFile: string, user: SystemUser): Difference[] {
  const home = resolved(user.home);
  const start = resolved(dirname(keyFile));
  if (start === null) return [];
  const differences: Difference[] = [];
  for (let folder = start; ; folder = dirname(folder)) {
    const found = faultOf(folder, user, folder === start || folder === home);
    if (found) differences.push({ about: folder, ...found });
    if (folder === home || folder === '/') return differences;
  }
}

function faultOf(folder: string, user: SystemUser, isOwn: boolean): Omit<Difference, 'about'> | null {
  const { mode, uid, gid } = statSync(folder);
  const elsewhere = 'Have the key file elsewhere, with `hub: authorizedKeys`: in this folder sshd never takes it.';
  if (uid !== 0 && uid !== user.uid)
    return {
      message: `belongs to user ${uid}: sshd (StrictModes) takes no key from it, for it is neither ${user.name}'s nor root's`,
      remedy: `chown ${isOwn ? user.name : 'root'} ${folder}`,
    };
  if ((mode & 0o002) !== 0)
    return {
      message: `has mode ${octal(mode)}: everybody can write to it, and sshd (StrictModes) takes no key from there`,
      remedy: (mode & 0o1000) === 0 ? `chmod go-w ${folder}` : elsewhere,
    };
  if ((mode & 0o020) !== 0)
    return {
      message: `has mode ${octal(mode)}: group ${gid} can write to it, and sshd (StrictModes) takes no key from there; Debian's does where nobody else is in that group`,
      remedy: `chmod g-w ${folder}`,
    };
  return null;
}

const octal = (mode: number): string => (mode & 0o7777).toString(8);

/** Without links; null where it is not there or cannot be seen. */
function resolved(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
