import { limitPerMinute, type Taken } from '../../host/net/limit-per-minute.ts';

/**
 * What one node may do in a minute, over all of its connections: several times what an honest one needs on the worst of lines. Each costs
 * the hub something, and all nodes share one process with the hub's API.
 */
export const allowances = {
  /** An honest node waits half a second to ten between two. */
  connections: 60,
  /** One for each connection. */
  sessions: 120,
  /** Of sessions; one for each change of how the disks are reached, and one for each ticket. */
  lines: 600,
  /** Each may start an sshd. */
  tickets: 120,
  /** 101 disks with four NBD connections each, made again as often as the client does that. */
  channels: 12_000,
  /** What it must not do, and does. */
  refusals: 2000,
} as const;

/** Counts for each node, by its id. */
export type NodeAllowance = { readonly [what in keyof typeof allowances]: (nodeId: string) => Taken };

export const openNodeAllowance = (
  most: { readonly [what in keyof typeof allowances]: number } = allowances,
): NodeAllowance => ({
  connections: limitPerMinute(most.connections),
  sessions: limitPerMinute(most.sessions),
  lines: limitPerMinute(most.lines),
  tickets: limitPerMinute(most.tickets),
  channels: limitPerMinute(most.channels),
  refusals: limitPerMinute(most.refusals),
});
