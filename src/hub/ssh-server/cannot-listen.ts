import { SendenseError } from '../../errors/sendense-error.ts';
import { portUser } from '../../host/net/port-holder.ts';

/** The error for an address that is taken, with the process that holds it, or that is not of this machine. */
export function cannotListen(
  key: string,
  { host, port }: { readonly host: string; readonly port: number },
  cause: unknown,
): SendenseError {
  const { code } = cause as NodeJS.ErrnoException;
  const holder = code === 'EADDRINUSE' ? portUser(port) : null;
  const why = holder ? `${holder} holds it` : code === 'EADDRINUSE' ? 'another program holds it' : code;
  return new SendenseError('hub.address', `${key} ${host}:${port}: ${why}`, {
    cause,
    ...(code === 'EACCES'
      ? {
          remedy: 'Ports below 1024 need root, or CAP_NET_BIND_SERVICE from systemd (AmbientCapabilities=).',
        }
      : {}),
  });
}
