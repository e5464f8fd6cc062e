/** An NBD export as libnbd's tools name it (the NBD URI specification). */
export const tcpUri = (host: string, port: number, exportName: string): string =>
  `nbd://${inUrl(host)}:${port}/${encodeURIComponent(exportName)}`;

/** As `tcpUri`, encrypted; the key that belongs to `identity` is handed over elsewhere. */
export const tlsUri = (host: string, port: number, exportName: string, identity: string): string =>
  `nbds://${encodeURIComponent(identity)}@${inUrl(host)}:${port}/${encodeURIComponent(exportName)}`;

export const unixUri = (socket: string, exportName: string): string =>
  `nbd+unix:///${encodeURIComponent(exportName)}?socket=${encodeURIComponent(socket)}`;

const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

export type NbdAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly exportName: string }
  | {
      readonly kind: 'tls';
      readonly host: string;
      readonly port: number;
      readonly exportName: string;
      readonly identity: string;
    }
  | { readonly kind: 'unix'; readonly socket: string; readonly exportName: string };

/**
 * Takes an NBD URI apart; null where it is none. Nothing but the socket of `nbd+unix:` may stand behind `?`: libnbd would open files that
 * parameters name. `nbds:` has an identity, the others no user.
 */
export function parseNbdUri(uri: string): NbdAddress | null {
  let url: URL;
  let exportName: string;
  let identity: string;
  try {
    url = new URL(uri);
    exportName = decodeURIComponent(url.pathname.replace(/^\//, ''));
    identity = decodeURIComponent(url.username);
  } catch {
    return null;
  }
  const place = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 10809), exportName };
  if (url.password || url.hash || /[?#]$/.test(uri)) return null;
  if (url.protocol === 'nbd:' && url.hostname && !identity && !url.search) return { kind: 'tcp', ...place };
  if (url.protocol === 'nbds:' && url.hostname && identity && !url.search) return { kind: 'tls', ...place, identity };
  const socket = url.searchParams.get('socket');
  const alone = [...url.searchParams.keys()].length === 1;
  return url.protocol === 'nbd+unix:' && !url.host && !identity && socket && alone
    ? { kind: 'unix', socket, exportName }
    : null;
}
