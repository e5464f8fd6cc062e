import type { Socket } from 'node:net';
import type { SendenseError } from '../../errors/sendense-error.ts';

/** A TCP address, or the path of a Unix socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly socket: string };

/** Who connects to `listen` speaks with `connect`, on the other side of the tunnel. */
export interface Forward {
  readonly listen: Endpoint;
  readonly connect: Endpoint;
}

export interface SshServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Pinned public keys, `ssh-ed25519 AAAA…`: the server must prove that it holds one of them. At least one. */
  readonly hostKeys: readonly string[];
}

/** A TCP connection, and as whom to log in there. */
export interface Dialled {
  readonly socket: Socket;
  readonly user: string;
}

export type TunnelProgram = 'openssh' | 'ssh2';

export interface TunnelOptions {
  readonly server: SshServer;
  /** Private key, OpenSSH format, mode 0600. */
  readonly keyFile: string;
  /** Listen here, connect there. */
  readonly local: readonly Forward[];
  /** Listen there, connect here. */
  readonly remote: readonly Forward[];
  /** `auto` (default): the system's OpenSSH where there is one, else ssh2 in a process of its own. */
  readonly program?: 'auto' | TunnelProgram;
  /** Private folder (0700) for known_hosts and sockets; it must be there. Its path finds the tunnel's process again after a crash. */
  readonly folder: string;
  /**
   * Command of the one session that every connection holds open (it takes Nagle off); default `sendense-link`. It must
   * answer the hello with a line, which is how the tunnel knows that all of it stands (`cat` does).
   */
  readonly command?: string;
  /**
   * Makes the TCP connection over which OpenSSH then speaks, each time one is needed; without it ssh makes its own. Such a
   * tunnel has no session, only forwards from here, and is up when those stand. Rejects as a connection that is not made.
   */
  readonly dial?: (signal: AbortSignal) => Promise<Dialled>;
  /** What is written into the session at each connection, one line. Default: `{"ping":<ms since 1970>}`. */
  readonly hello?: () => string;
  /** Each line that comes out of the session. */
  readonly onLine?: (line: string) => void;
  readonly onState?: (state: TunnelState) => void;
  readonly log?: (level: 'info' | 'warn' | 'error', message: string, facts?: object) => void;
}

/** Times are ms since 1970. */
export type TunnelState =
  | { readonly state: 'connecting'; readonly attempt: number }
  | { readonly state: 'up'; readonly since: number; readonly program: TunnelProgram }
  | { readonly state: 'down'; readonly error: SendenseError; readonly retryAt: number };

/** Keeps itself up until it is disposed of: then its process has ended and its ports are free. */
export interface Tunnel extends AsyncDisposable {
  state(): TunnelState;
  /**
   * Resolves when it is up.
   * @throws SendenseError the error of the last attempt, when the signal aborts or the error is final: `ssh.host-key`,
   * `ssh.key`, and `ssh.forward` before it was up once. Even then the tunnel goes on trying, slowly.
   */
  ready(signal?: AbortSignal): Promise<void>;
  /**
   * Why the last connection through the tunnel was not made at its far end: `ssh.forward` where the server does not allow
   * it, `ssh.unreachable` where nothing answers there. Null where that has not happened since the tunnel came up.
   */
  refusal(): SendenseError | null;
  /** Writes a line into the session; lost where there is none now. */
  say(line: string): void;
}

export const where = ({ host, port }: Pick<SshServer, 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

export const describeEndpoint = (endpoint: Endpoint): string =>
  'socket' in endpoint ? endpoint.socket : where(endpoint);
