import { SendenseError } from '../../errors/sendense-error.ts';
import type { ConnectionProgram } from './connection.ts';
import { explainOpenSsh, refusalOfOpenSsh } from './open-ssh-errors.ts';
import { hostKeyAlias } from './known-hosts.ts';
import { ciphers, hostKeyAlgorithms, keepAlive } from './ssh2-connect.ts';
import type { Endpoint, Forward, TunnelOptions } from './tunnel-options.ts';

/** What ssh says on its standard error, by a command of ours, when its forwards stand and there is no session. */
const upLine = 'sendense-up';

/** The system's ssh for one connection. @throws SendenseError `ssh.host-key` for a pinned key that is none */
export const openSshProgram = (options: TunnelOptions, knownHosts: string): ConnectionProgram => ({
  name: 'openssh',
  file: 'ssh',
  args: openSshArgs(options, knownHosts),
  order: '',
  ...(options.dial ? { upLine } : {}),
  refusalIn: refusalOfOpenSsh,
  explain: (said, exit, wasUp) => explainOpenSsh(options, said, exit, wasUp),
});

/**
 * Nothing of the user's or the system's configuration counts, nothing is asked, nothing is accepted but the pinned keys,
 * and a forward that fails ends it.
 */
export function openSshArgs(options: TunnelOptions, knownHosts: string): string[] {
  const { server } = options;
  const settings: Record<string, string | number> = {
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: quoted(knownHosts),
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: hostKeyAlias,
    HostKeyAlgorithms: hostKeyAlgorithms(server).join(','),
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    ExitOnForwardFailure: 'yes',
    StreamLocalBindUnlink: 'yes',
    ServerAliveInterval: keepAlive.seconds,
    ServerAliveCountMax: keepAlive.count,
    ConnectTimeout: 10,
    TCPKeepAlive: 'yes',
    ControlMaster: 'no',
    ControlPath: 'none',
    Compression: 'no',
    // The marks of interactive and bulk traffic make some firewalls and queues treat the tunnel worse than none.
    IPQoS: 'none',
    LogLevel: 'INFO',
    // The connection is its standard input and output.
    ...(options.dial ? { ProxyCommand: '-', PermitLocalCommand: 'yes', LocalCommand: `echo ${upLine} >&2` } : {}),
  };
  return [
    '-F',
    'none',
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    '-c',
    [...ciphers, 'chacha20-poly1305@openssh.com'].join(','),
    '-i',
    options.keyFile.replaceAll('%', '%%'),
    options.dial ? '-NTaxk' : '-Taxk',
    '-p',
    String(server.port),
    '-l',
    server.user,
    ...options.local.flatMap((forward) => ['-L', forwardArg(forward)]),
    ...options.remote.flatMap((forward) => ['-R', forwardArg(forward)]),
    '--',
    server.host,
    ...(options.dial ? [] : [options.command ?? 'sendense-link']),
  ];
}

const quoted = (path: string): string =>
  `"${path.replaceAll('%', '%%').replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const forwardArg = ({ listen, connect }: Forward): string => `${endpointArg(listen)}:${endpointArg(connect)}`;

function endpointArg(endpoint: Endpoint): string {
  if (!('socket' in endpoint))
    return `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
  if (!endpoint.socket.startsWith('/'))
    throw new SendenseError('ssh.forward', `${endpoint.socket} is not an absolute path`);
  return endpoint.socket.replaceAll('%', '%%').replaceAll(/[\\:]/g, (character) => `\\${character}`);
}
