import type { HostRule } from '../limits/allowed-hosts.ts';
import { hubHostOf } from '../link-state.ts';
import type { Call } from './route.ts';

/** What counts for the hosts that a request names. */
export const hostRule = ({ parts: node, peer }: Pick<Call<unknown>, 'parts' | 'peer'>): HostRule => ({
  // Of a caller that has gone there is no address any more: it does not become one of this user by that.
  peer: node.address()?.startsWith('unix:') ? null : (peer ?? 'gone'),
  known: async () => [...node.nbdHosts, ...(await hubHostOf(node.stateDir))],
});
