import type { Finding, Path } from '../../errors/findings/finding.ts';
import { lstatSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { groupName, isPrivateGroup, trustedUsers } from '../../host/trust/accounts.ts';
import { hasAcl } from '../../host/trust/acl.ts';

/** Each file of a reference to a secret, `{ secret: { file } }`, that others of this machine can read. No secret is read. */
export function exposedSecrets(value: unknown, folder: string, path: Path = []): Finding[] {
  if (typeof value !== 'object' || value === null) return [];
  const file = (value as { secret?: { file?: unknown } | null }).secret?.file;
  if (typeof file === 'string') {
    const exposed = exposureOf(resolve(folder, file));
    return exposed === null
      ? []
      : [{ rule: 'secret/exposed', at: { path: [...path, 'secret', 'file'], part: 'value' }, ...exposed }];
  }
  return Object.entries(value).flatMap(([key, part]) =>
    exposedSecrets(part, folder, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

/** Null where only root and this user can read a file, or where it cannot be looked at: reading it says so. */
export function exposureOf(file: string): { readonly message: string; readonly remedy: string } | null {
  try {
    const path = realpathSync(file);
    const { mode, gid } = lstatSync(path);
    const who = (mode & 0o004) !== 0 ? 'everybody' : (mode & 0o040) !== 0 ? `group ${groupName(gid)}` : null;
    if (who === null || !isReachable(path, who === 'everybody' ? 0o001 : 0o011)) return null;
    const isPrivate = who !== 'everybody' && isPrivateGroup(gid, trustedUsers());
    if (isPrivate && !hasAcl(path)) return null;
    const readers = isPrivate ? 'whoever its access control list names' : who;
    return {
      message: `${readers} can read the secret in ${file} (mode ${(mode & 0o7777).toString(8).padStart(4, '0')})`,
      remedy: `chmod 600 ${file}, and change the secret if others use this machine.`,
    };
  } catch {
    return null;
  }
}

/** Whether all folders above let somebody pass. */
function isReachable(path: string, bits: number): boolean {
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder))
    if ((lstatSync(folder).mode & bits) === 0) return false;
  return true;
}
