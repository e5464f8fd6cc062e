import { isIP } from 'node:net';

export interface HostAndPort {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Why a text is none. `form`: what the pattern of `settings.json` refuses as well. */
export interface NoHostAndPort {
  readonly fault: 'form' | 'address' | 'port';
  readonly message: string;
}

/**
 * `vcenter.example.com`, `vcenter.example.com:8443`, `192.0.2.1:443` or `[2001:db8::1]:443`, as `settings.json` describes it.
 */
export function parseHostAndPort(text: string, defaultPort: number): HostAndPort | NoHostAndPort {
  const found = /^(?:\[([^\]]+)\]|([A-Za-z0-9._-]+))(?::([0-9]+))?$/.exec(text);
  if (!found) return { fault: 'form', message: `${JSON.stringify(text)} is not host or host:port` };
  const [, address, name, digits] = found;
  if (address !== undefined && isIP(address) !== 6) return { fault: 'address', message: `${JSON.stringify(address)} is no IPv6 address` };
  const port = Number(digits ?? defaultPort);
  if (digits === undefined && port < 1) return { fault: 'port', message: `${JSON.stringify(text)} names no port` };
  if (port < 1 || port > 65_535) return { fault: 'port', message: `there is no port ${digits}` };
  return { host: address ?? name ?? '', port };
}
