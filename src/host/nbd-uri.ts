/** An NBD export as libnbd's tools name it (the NBD URI specification). */
export const tcpUri = (host: string, port: number, exportName: string): string =>
  `nbd://${host}:${port}/${encodeURIComponent(exportName)}`;

export const unixUri = (socket: string, exportName: string): string =>
  `nbd+unix:///${encodeURIComponent(exportName)}?socket=${encodeURIComponent(socket)}`;

export type NbdAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly exportName: string }
  | { readonly kind: 'unix'; readonly socket: string; readonly exportName: string };

/** Takes an NBD URI apart; null where it is none. */
export function parseNbdUri(uri: string): NbdAddress | null {
  let url: URL;
  let exportName: string;
  try {
    url = new URL(uri);
    exportName = decodeURIComponent(url.pathname.replace(/^\//, ''));
  } catch {
    return null;
  }
  if (url.protocol === 'nbd:' && url.hostname) {
    return { kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 10809), exportName };
  }
  const socket = url.searchParams.get('socket');
  return url.protocol === 'nbd+unix:' && socket ? { kind: 'unix', socket, exportName } : null;
}
