import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { effectiveConfig, type SshdCheck } from '../../host/ssh/effective-sshd.ts';
import { findUser, type SystemUser } from '../../host/system/system-user.ts';
import { ok, warn, type Finding } from './finding.ts';

/** Who the hub logs in as in mode dial-node, where it does: the user that the state folder belongs to. */
export async function dialledUser(stateDir: string, find = findUser): Promise<SystemUser | null> {
  const info = await stat(stateDir).catch(() => null);
  const user = info && (await find(String(info.uid)).catch(() => null));
  return user && (await hasForwards(join(user.home, '.ssh', 'authorized_keys'))) ? user : null;
}

/** A line as `docs/network.md` has it. */
async function hasForwards(file: string): Promise<boolean> {
  const info = await stat(file).catch(() => null);
  if (!info?.isFile() || info.size > mostBytes) return false;
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').some((line) => /^[^#]*\bport-forwarding\b.*\bpermitlisten=/.test(line));
}

const mostBytes = 1024 * 1024;

/** permitopen and permitlisten are about TCP: Unix sockets are for sshd_config alone. */
export async function checkDialled({ name }: SystemUser, check: SshdCheck): Promise<Finding> {
  const remedy = `Put \`Match User ${name}\` and \`AllowStreamLocalForwarding no\` into a file in /etc/ssh/sshd_config.d/ and reload sshd.`;
  try {
    const [value = ''] = (await effectiveConfig(name, check)).get('allowstreamlocalforwarding') ?? [];
    if (value === 'no') return ok(`a key in authorized_keys of ${name} reaches no Unix socket`);
    return warn(`sshd lets a key in authorized_keys of ${name} use all Unix sockets of this user`, remedy);
  } catch (error) {
    check.signal?.throwIfAborted();
    const { message } = toSendenseError(error);
    return warn(
      `sshd does not say whether a key of ${name} may use Unix sockets: ${message.split('\n')[0]}`,
      `As root, look at \`sshd -T -C user=${name}\`. ${remedy}`,
    );
  }
}
