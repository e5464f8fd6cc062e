import type { Connection } from 'ssh2';
import { toSendenseError } from '../../errors/sendense-error.ts';
import type { NodeRecord } from '../../state/nodes/nodes.ts';
import type { HubLog } from '../hub-log.ts';
import type { Bridges } from './bridge.ts';
import type { Refusal } from './server-context.ts';

/** What the parts of one node's connection share. */
export interface NodeLink {
  readonly connection: Connection;
  readonly nodeId: string;
  /** Of the node at its login, for figures. */
  readonly name: string;
  /** As it is now, renamed meanwhile or not. */
  node(): NodeRecord;
  readonly log: HubLog;
  readonly bridges: Bridges;
  /** Channels that are being opened, in either direction. */
  opening: number;
  ended: boolean;
  refuse(reason: Refusal, what: string, reject: (() => void) | undefined): void;
}

/** Channels of one connection at a time: 101 disks with several NBD connections each. */
const mostChannels = 1024;

export const isFull = ({ bridges, opening }: NodeLink): boolean => bridges.count + opening >= mostChannels;

/** Answers a request of the node. An error of the database refuses what it is about, and ends nothing else. */
export function deciding(link: NodeLink, what: string, reject: (() => void) | undefined, decide: () => void): void {
  try {
    decide();
  } catch (error) {
    link.refuse('state', `${what}: ${toSendenseError(error).message}`, reject);
  }
}
