import type { From } from '../../state/access/sessions.ts';

/**
 * Browsers take a cookie whose name begins with `__Host-` over TLS alone, and from this very host (RFC 6265bis, 4.1.3.2). So nobody
 * can plant one, who has another name of the domain or the way without TLS.
 */
const nameOf = (secure: boolean): string => (secure ? '__Host-sendense' : 'sendense');

const attributes = (secure: boolean): string => `Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;

/** The secret of a session that a request brings; undefined: none, or several, of which nobody knows which is meant. */
export function sessionSecret(cookie: string | null | undefined, secure: boolean): string | undefined {
  const found = cookiesNamed(nameOf(secure), cookie);
  const [secret] = found;
  return found.length === 1 && secret !== undefined && /^[\w-]{43}$/.test(secret) ? secret : undefined;
}

/** All values that a `Cookie` header has under a name. */
export const cookiesNamed = (name: string, cookie: string | null | undefined): string[] =>
  (cookie ?? '').split(';').flatMap((pair) => {
    const [key = '', value = ''] = pair.trim().split('=');
    return key === name ? [value] : [];
  });

export const cookieWith = (secret: string, secure: boolean): string =>
  `${nameOf(secure)}=${secret}; ${attributes(secure)}`;

export const noCookie = (secure: boolean): string => `${nameOf(secure)}=; ${attributes(secure)}; Max-Age=0`;

/** Characters that are kept of what a browser calls itself. */
const longestAgent = 200;

/** Where a request comes from; what it says of itself is kept harmless. */
export const fromOf = (address: string | undefined, agent: string | null | undefined): From => ({
  address: address ?? null,
  agent: agent?.replaceAll(/[^ -~]/g, '?').slice(0, longestAgent) ?? null,
});
