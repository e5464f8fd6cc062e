import type { State } from '../../state/database/open-state.ts';
import type { HubLog } from '../hub-log.ts';
import type { HubPlaces } from '../nodes/hub-places.ts';
import type { Direction } from './bridge.ts';
import type { DataService } from './data-service.ts';
import type { NodeAllowance } from './node-allowance.ts';
import type { Warn } from './warnings.ts';

/** Why something was refused, as it stands in the log and in the metrics. */
export type Refusal =
  | 'rate'
  | 'overload'
  | 'login-time'
  | 'handshake'
  | 'method'
  | 'user'
  | 'unknown-key'
  | 'revoked-key'
  | 'signature'
  | 'token'
  | 'ticket'
  | 'target'
  | 'port-not-open'
  | 'listen'
  | 'socket'
  | 'command'
  | 'session'
  | 'state'
  | 'cloned'
  | 'api-token';

/** What is counted, by name of the node. */
export interface SshFigures {
  /** @param by who has moved them: this process, or an sshd that it has started */
  bytes(node: string, direction: Direction, count: number, by: 'server' | 'sshd'): void;
  /** A connection for the disks is logged in, with an sshd at this end. */
  dataConnected(node: string): void;
  connected(node: string): void;
  /** A connection through the tunnel. */
  forward(node: string, to: 'nbd' | 'hub-api' | 'node-api'): void;
  refused(reason: Refusal): void;
}

export interface ServerContext {
  readonly state: State;
  readonly places: HubPlaces;
  readonly log: HubLog;
  readonly figures: SshFigures;
  readonly warn: Warn;
  readonly data: DataService;
  readonly allowance: NodeAllowance;
}
