import type { NodesOutput } from '../../../schemas/types.ts';
import type { Look } from '../../design/status-mark.tsx';
import { plain } from '../../design/text.tsx';

export type EnrolledNode = NodesOutput['nodes'][number];

/** The worst first. */
export const nodeStates: readonly EnrolledNode['state'][] = [
  'disconnected',
  'expired',
  'waiting',
  'connected',
  'revoked',
];

export const nodeLooks: Readonly<Record<EnrolledNode['state'], Look>> = {
  connected: { shape: 'check', tone: 'good', word: 'connected' },
  disconnected: { shape: 'cross', tone: 'bad', word: 'disconnected' },
  waiting: { shape: 'bars', tone: 'idle', word: 'not enrolled yet' },
  expired: { shape: 'clock', tone: 'warn', word: 'token expired' },
  revoked: { shape: 'slash', tone: 'idle', word: 'revoked' },
};

/** What is wrong with a node and what to do, in words; null: nothing. */
export function problemOf({ state, other_machine: other, version_misfit: misfit, name }: EnrolledNode): string | null {
  if (other)
    return `Another machine has its key: ${plain(other.hostname)} at ${plain(other.peer)}. The hub refuses it until you decide.`;
  if (misfit !== null) return plain(misfit);
  if (state === 'disconnected') return 'Runs at this node cannot begin. On its machine: sendense-node doctor.';
  if (state === 'expired') return `Make a new token: sendense-run node add ${plain(name)} --again.`;
  return null;
}
