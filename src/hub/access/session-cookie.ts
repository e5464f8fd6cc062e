import type { From } from '../../state/access/sessions.ts';

/** Without TLS a browser takes no cookie whose name begins with `__Host-`; the page is then on this machine, or behind a proxy. */
const name = 'sendense';

const attributes = 'Path=/; HttpOnly; SameSite=Strict';

/** The secret of a session that a request brings; undefined: none, or several, of which nobody knows which is meant. */
export function sessionSecret(cookie: string | null | undefined): string | undefined {
  const found = (cookie ?? '').split(';').flatMap((pair) => {
    const [key = '', value = ''] = pair.trim().split('=');
    return key === name ? [value] : [];
  });
  const [secret] = found;
  return found.length === 1 && secret !== undefined && /^[\w-]{43}$/.test(secret) ? secret : undefined;
}

export const cookieWith = (secret: string): string => `${name}=${secret}; ${attributes}`;

export const noCookie = `${name}=; ${attributes}; Max-Age=0`;

/** Characters that are kept of what a browser calls itself. */
const longestAgent = 200;

/** Where a request comes from; what it says of itself is kept harmless. */
export const fromOf = (address: string | undefined, agent: string | null | undefined): From => ({
  address: address ?? null,
  agent: agent?.replaceAll(/[^ -~]/g, '?').slice(0, longestAgent) ?? null,
});
