import { keepAlive, ciphers } from '../../host/ssh/ssh2-connect.ts';
import { mayOpen } from '../nodes/authorized-keys.ts';

/** Who logs in to an sshd that serves one connection, and what for. */
export interface DataLogin {
  /** The user of this process: without root sshd lets in no other. */
  readonly user: string;
  readonly isRoot: boolean;
  readonly hostKeyFile: string;
  readonly authorizedKeysFile: string;
  /** `ssh-ed25519 AAAA…` of the node. */
  readonly publicKey: string;
  /** ADDRESS:PORT to which it may connect, and nothing else. */
  readonly targets: readonly string[];
}

/** One key, for the disks of its node. */
export const authorizedKeyOf = ({ publicKey, targets }: DataLogin): string =>
  `${['restrict', ...mayOpen(targets)].join(',')} ${publicKey}\n`;

/** sshd_config for a single connection: this key, these forwards; no session, no command, nothing of the system's configuration. */
export const sshdConfigOf = ({ user, isRoot, hostKeyFile, authorizedKeysFile, targets }: DataLogin): string =>
  `${[
    `HostKey ${quoted(hostKeyFile)}`,
    `AuthorizedKeysFile ${quoted(authorizedKeysFile.replaceAll('%', '%%'))}`,
    'AuthorizedKeysCommand none',
    // The folder is this user's alone, and its parents may be anybody's.
    'StrictModes no',
    `AllowUsers ${user}`,
    `PermitRootLogin ${isRoot ? 'prohibit-password' : 'no'}`,
    'AuthenticationMethods publickey',
    'PubkeyAuthentication yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'MaxAuthTries 2',
    'LoginGraceTime 15',
    'AllowTcpForwarding local',
    `PermitOpen ${targets.join(' ')}`,
    'PermitListen none',
    'AllowStreamLocalForwarding no',
    'AllowAgentForwarding no',
    'GatewayPorts no',
    'PermitTunnel no',
    'X11Forwarding no',
    'PermitTTY no',
    'PermitUserRC no',
    'PermitUserEnvironment no',
    'MaxSessions 0',
    'ForceCommand /bin/false',
    'Compression no',
    'UseDNS no',
    'IPQoS none',
    `Ciphers ${[...ciphers, 'chacha20-poly1305@openssh.com'].join(',')}`,
    `ClientAliveInterval ${keepAlive.seconds}`,
    `ClientAliveCountMax ${keepAlive.count}`,
    'PidFile none',
    'LogLevel INFO',
  ].join('\n')}\n`;

const quoted = (path: string): string => `"${path}"`;
