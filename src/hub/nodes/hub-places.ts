import { dirname, join, resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { parseHostAndPort, type HostAndPort } from '../../schemas/host-and-port.ts';
import type { Settings } from '../../schemas/types.ts';
import type { CertificateFiles } from '../tls/hub-certificate.ts';

/** `hub:` of sendense.yaml with its defaults filled in and paths absolute. */
export interface HubPlaces {
  readonly ssh: 'builtin' | 'openssh';
  readonly listen: HostAndPort;
  /** Who moves the data with the built-in server. */
  readonly data: 'auto' | 'builtin';
  readonly hostKeyFile: string;
  readonly user: string;
  readonly authorizedKeysFile: string;
  readonly api: HostAndPort;
  /** What the API speaks TLS with; null: it speaks HTTP. */
  readonly tls: CertificateFiles | null;
  readonly apiTokenFile: string;
  readonly metricsTokenFile: string;
  /** Reverse ports, one for each node. */
  readonly nodePorts: { readonly from: number; readonly to: number };
  readonly nbdPorts: { readonly from: number; readonly to: number };
}

/** @param folder of sendense.yaml @throws SendenseError `settings.invalid`, `usage` for an override */
export function hubPlaces(
  settings: Settings,
  folder: string,
  overrides: { listen?: string | undefined } = {},
): HubPlaces {
  const { hub, ports } = settings;
  const stateFolder = dirname(resolve(folder, settings.state));
  const file = (path: string | undefined, otherwise: string): string => resolve(folder, path ?? otherwise);
  if (hub.nodePorts.to < hub.nodePorts.from)
    throw invalid('hub.nodePorts', `${hub.nodePorts.from}-${hub.nodePorts.to} is empty`);
  return {
    ssh: hub.ssh,
    listen:
      overrides.listen === undefined
        ? addressOf('hub.listen', hub.listen)
        : addressOf('--listen', overrides.listen, 'usage'),
    data: hub.data,
    hostKeyFile: file(
      hub.hostKey,
      hub.ssh === 'builtin' ? join(stateFolder, 'hub_host_key') : '/etc/ssh/ssh_host_ed25519_key.pub',
    ),
    user: hub.user,
    authorizedKeysFile: file(hub.authorizedKeys, join(stateFolder, 'authorized_keys')),
    api: addressOf('hub.api', hub.api),
    tls: tlsFiles(hub, { stateFolder, file }),
    apiTokenFile: file(hub.apiToken, join(stateFolder, 'hub-api.token')),
    metricsTokenFile: file(hub.metricsToken, join(stateFolder, 'hub-metrics.token')),
    nodePorts: { from: hub.nodePorts.from, to: hub.nodePorts.to },
    nbdPorts: { from: ports.from, to: ports.to },
  };
}

function tlsFiles(
  { tls, certificate, key }: Settings['hub'],
  { stateFolder, file }: { readonly stateFolder: string; file(path: string | undefined, otherwise: string): string },
): CertificateFiles | null {
  if (certificate !== undefined) {
    const own = file(certificate, '');
    return { certificate: own, key: file(key, own), made: false };
  }
  if (key !== undefined) throw invalid('hub.key', 'there is a key, and no hub.certificate');
  const made = join(stateFolder, 'hub-tls', 'hub.pem');
  return tls ? { certificate: made, key: made, made: true } : null;
}

function addressOf(key: string, text: string, code: 'settings.invalid' | 'usage' = 'settings.invalid'): HostAndPort {
  const address = parseHostAndPort(text, 0);
  if ('fault' in address) throw new SendenseError(code, `${key}: ${address.message}`);
  return address;
}

const invalid = (key: string, message: string): SendenseError =>
  new SendenseError('settings.invalid', `${key}: ${message}`);
