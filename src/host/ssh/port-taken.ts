import { SendenseError } from '../../errors/sendense-error.ts';
import { portUser } from '../net/port-holder.ts';
import { isPortFree } from '../net/port-probe.ts';
import type { Forward } from './tunnel-options.ts';

/**
 * The error for a place of this host where the tunnel cannot listen, with the process that holds it; `details.place` tells it
 * from a forward that the far end refuses.
 * @param place a port, or the path of a socket
 * @param host of the port, where it is known
 */
export function portTaken(place: string, why = 'it cannot be listened on', host?: string): SendenseError {
  const isPort = /^[0-9]+$/.test(place);
  const holder = isPort ? portUser(Number(place), host) : null;
  const reason = holder ? `${holder} holds it` : why;
  const at = host === undefined || host === '127.0.0.1' ? '' : ` at ${host}`;
  return new SendenseError('ssh.forward', `${isPort ? `port ${place}${at}` : place} of this host: ${reason}`, {
    details: { place },
  });
}

/** @throws SendenseError `ssh.forward` for the first local port that another program holds */
export async function requireFreePorts(local: readonly Forward[]): Promise<void> {
  for (const { listen } of local)
    if ('port' in listen && !(await isPortFree(listen.port, listen.host)))
      throw portTaken(String(listen.port), undefined, listen.host);
}
