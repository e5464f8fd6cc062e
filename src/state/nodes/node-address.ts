import { findNode } from './nodes.ts';
import type { State } from '../database/open-state.ts';

/**
 * The loopback address at which the disks for one node are served: all of 127/8 is of this machine (Linux), and each node
 * has an address of its own, after its reverse port, which no other node has. Who may connect to that address
 * alone cannot reach the disks of another node, whatever their ports. Never 127.0.0.1.
 * @param reversePort 1 to 65535
 */
export const nodeAddress = (reversePort: number): string => `127.83.${reversePort >> 8}.${reversePort & 0xff}`;

/** The address of an enrolled node; undefined where there is none of that name. */
export function addressOfNode(state: State, name: string): string | undefined {
  const node = findNode(state, name);
  return node && nodeAddress(node.reversePort);
}
