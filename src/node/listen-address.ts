import type { HostAndPort } from '../schemas/host-and-port.ts';

/** Where the API listens. */
export type ListenAddress = { readonly socket: string } | HostAndPort;

/** `host:port`, `[address]:port` or `unix:/path`; port 0 is any. Null for anything else. */
export function parseListen(text: string): ListenAddress | null {
  if (text.startsWith('unix:')) return text.length > 'unix:'.length ? { socket: text.slice('unix:'.length) } : null;
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match && port <= 65_535 ? { host: match[1] ?? match[2] ?? '', port } : null;
}

/** As a client of the API wants it: `http://host:port` or `unix:/path`. */
export const urlOf = (address: ListenAddress): string =>
  'socket' in address
    ? `unix:${address.socket}`
    : `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;

/** An API that listens on all addresses is reached on loopback. */
export function reachable(api: ListenAddress): ListenAddress {
  if ('socket' in api) return api;
  return ['0.0.0.0', '::', ''].includes(api.host) ? { host: '127.0.0.1', port: api.port } : api;
}
