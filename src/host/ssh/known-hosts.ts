import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../files/files.ts';
import { parsePublicKey } from './keys.ts';
import type { SshServer } from './tunnel-options.ts';

/** Under this name, and no other, ssh looks the server's key up (`HostKeyAlias`): no address can match a wrong line. */
export const hostKeyAlias = 'sendense-peer';

export const knownHostsText = (server: SshServer): string =>
  server.hostKeys.map((key) => `${hostKeyAlias} ${parsePublicKey(key) ?? ''}\n`).join('');

/** Writes the pinned keys where OpenSSH reads them; named after its content, so that tunnels can share a folder. */
export async function writeKnownHosts(folder: string, server: SshServer): Promise<string> {
  const text = knownHostsText(server);
  const file = join(folder, `known_hosts-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileDurably(file, text, 0o600);
  return file;
}
