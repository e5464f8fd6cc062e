import { access, constants, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { VsphereSourceSpec } from '../../../schemas/types.ts';
import { assertReadableFlat } from './assert-readable-flat.ts';
import { flatFileOf, hasControls } from './datastore-file.ts';
import { serveDisk } from './serve-disk.ts';
import type { ServedDisk, SnapshotDiskRef, TransportContext } from './transport.ts';

/** Requests larger than this gain nothing: SFTP splits them. Bytes. */
const requestBytes = 1024 * 1024;

type Ssh = NonNullable<VsphereSourceSpec['ssh']>;

/** @throws SendenseError `transport.unsafe`, `transport.unavailable` with what is missing */
export async function checkSsh(context: TransportContext, disks: readonly SnapshotDiskRef[]): Promise<string> {
  const ssh = settingsOf(context);
  for (const disk of disks) parametersOf(ssh, disk);
  await checkIdentity(ssh.identity);
  await checkReadable('ssh.knownHosts', ssh.known_hosts);
  return `an SSH key for ${disks[0] ? hostOf(ssh, disks[0]) : 'the ESXi host'} is configured`;
}

/** Before there is a disk. @throws SendenseError `transport.unavailable` with what is missing */
export async function checkSshForWriting(context: Pick<TransportContext, 'spec'>): Promise<string> {
  const ssh = settingsOf(context);
  await checkIdentity(ssh.identity);
  await checkReadable('ssh.knownHosts', ssh.known_hosts);
  return `an SSH key for ${ssh.host ?? 'the ESXi host'} is configured`;
}

export const serveSsh = (context: TransportContext, disk: SnapshotDiskRef): Promise<ServedDisk> =>
  // Two read a third faster than one, more gain little (measured); ESXi allows few sessions.
  served(context, disk, { connections: 2, writable: false });

/** The flat file of a disk of a VM that is off and has no snapshot, for writing. Nothing locks it meanwhile. */
export async function serveSshForWriting(context: TransportContext, disk: SnapshotDiskRef): Promise<ServedDisk> {
  if (disk.snapshotMoref !== '')
    throw new SendenseError('run.internal', `${disk.label} is to be written to below a snapshot`);
  return served(context, disk, { connections: 1, writable: true });
}

interface Serving {
  readonly connections: number;
  readonly writable: boolean;
}

async function served(
  context: TransportContext,
  disk: SnapshotDiskRef,
  { connections, writable }: Serving,
): Promise<ServedDisk> {
  const ssh = settingsOf(context);
  const parameters = parametersOf(ssh, disk);
  await checkIdentity(ssh.identity);
  await checkReadable('ssh.knownHosts', ssh.known_hosts);
  return serveDisk(context, disk, {
    transport: 'ssh',
    args: ['--filter=retry', 'ssh', ...parameters, 'retries=4', 'retry-delay=1'],
    // An agent could hold other keys than the one that was configured.
    env: { SSH_AUTH_SOCK: undefined },
    requestBytes,
    writable,
    ...(connections > 1 ? { connections } : {}),
  });
}

function settingsOf({ spec }: Pick<TransportContext, 'spec'>): Ssh {
  if (spec.ssh === null) {
    throw new SendenseError('transport.unavailable', `the source ${spec.name} has no \`ssh\``, {
      remedy: 'Add `ssh: { identity: …, knownHosts: … }` to the source; see docs/vsphere.md.',
    });
  }
  return spec.ssh;
}

function hostOf(ssh: Ssh, disk: SnapshotDiskRef): string {
  const host = ssh.host ?? disk.host;
  if (host !== null && /^[A-Za-z0-9:][A-Za-z0-9.:_-]*$/.test(host)) return host;
  throw new SendenseError(
    'transport.unavailable',
    host === null ? `the ESXi host of ${disk.label} is unknown` : `${JSON.stringify(host)} is no host name`,
    { remedy: 'Name the ESXi host in `ssh.host` of the source.' },
  );
}

/** `key=value` each, one argument: nbdkit takes all after the first `=` as the value. */
function parametersOf(ssh: Ssh, disk: SnapshotDiskRef): string[] {
  assertReadableFlat('ssh', disk);
  const file = flatFileOf(disk.file);
  for (const [name, value] of Object.entries({ user: ssh.user, identity: ssh.identity, knownHosts: ssh.known_hosts }))
    if (value === '' || hasControls(value))
      throw new SendenseError('vsphere.settings', `ssh.${name} cannot be ${JSON.stringify(value)}`);
  return [
    `host=${hostOf(ssh, disk)}`,
    `port=${ssh.port}`,
    `user=${ssh.user}`,
    `identity=${escaped(ssh.identity)}`,
    `known-hosts=${escaped(ssh.known_hosts)}`,
    // Nothing of this user's own SSH configuration counts.
    'config=',
    'verify-remote-host=true',
    'timeout=30',
    `path=/vmfs/volumes/${file.datastore}/${file.segments.join('/')}`,
  ];
}

/** libssh puts values in place of %d, %h and others in file names. */
const escaped = (file: string): string => file.replaceAll('%', '%%');

/** Who else can read the key could log in to the host: ssh(1) refuses such a key, libssh does not look. */
async function checkIdentity(file: string): Promise<void> {
  await checkReadable('ssh.identity', file);
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return;
  throw new SendenseError(
    'transport.unavailable',
    `the SSH key ${file} is open to other users (mode ${(mode & 0o777).toString(8)})`,
    { remedy: `chmod 600 ${file}` },
  );
}

async function checkReadable(name: string, file: string): Promise<void> {
  const why = !isAbsolute(file)
    ? 'is not absolute'
    : await access(file, constants.R_OK).then(
        () => null,
        (error: NodeJS.ErrnoException) => `cannot be read (${error.code})`,
      );
  if (why === null) return;
  throw new SendenseError('transport.unavailable', `${file} (\`${name}\`) ${why}`, {
    remedy: `Correct \`${name}\` of the source. It names a file on the node that the user of sendense-node can read.`,
  });
}
