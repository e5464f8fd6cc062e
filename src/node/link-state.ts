import type { LinkStatus, NodeConfig } from '../schemas/types.ts';

export interface Link {
  /** The node's name, where it is enrolled. */
  readonly name: string | null;
  readonly tunnel: LinkStatus | null;
  readonly nbdPorts: NodeConfig['nbd_ports'];
}

/** The ports of a hub that says nothing else. */
const usualPorts = { from: 10_100, to: 10_200 };

/** What this node knows of its hub. A damaged file is for `sendense-node doctor` to name; here it is as good as none. */
export async function linkOf(stateDir: string): Promise<Link> {
  // Imported here: SSH comes with it.
  const [{ readEnrolment }, { readLinkStatus }] = await Promise.all([
    import('./link/enrolment-files.ts'),
    import('./link/link-files.ts'),
  ]);
  const [enrolment, tunnel] = await Promise.all([readEnrolment(stateDir).catch(() => null), readLinkStatus(stateDir)]);
  const said = tunnel ?? enrolment;
  return { name: said?.name ?? null, tunnel, nbdPorts: said?.nbd_ports ?? usualPorts };
}

/** Where the hub is at which this node is enrolled, and where its link goes now; empty where it is not enrolled. */
export async function hubHostOf(stateDir: string): Promise<string[]> {
  const { readEnrolment } = await import('./link/enrolment-files.ts');
  const enrolment = await readEnrolment(stateDir).catch(() => null);
  return enrolment === null ? [] : [enrolment.hub.host];
}

/** At how many loopback addresses of this machine, from 127.0.0.1 on, the disks of the hub answer, or will when a break is over. */
export const diskAddresses = ({ tunnel }: Link): number =>
  tunnel !== null && tunnel.state !== 'stopped' ? tunnel.data.connections : 1;
