import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { CameFrom } from '../../api/came-from.ts';
import { SendenseError } from '../../errors/sendense-error.ts';

/** Headers of a request, by small letters. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Refuses writes that a page of another site has begun in a browser that is logged in here. Browsers say who began a request
 * (`Sec-Fetch-Site`, `Origin`); no page can change what they say.
 * @throws SendenseError `access.origin`
 */
export function assertSameOrigin(headers: Headers, { host, secure }: Pick<CameFrom, 'host' | 'secure'>): void {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  const own = `${secure ? 'https' : 'http'}://${host?.toLowerCase()}`;
  if (site !== undefined ? site === 'same-origin' : typeof origin === 'string' && originOf(origin) === own) return;
  throw new SendenseError('access.origin', 'the request does not come from the page of this hub');
}

/** Without a port that its scheme has anyway, which a browser leaves out of `Host` too. */
const originOf = (origin: string): string | undefined => URL.parse(origin)?.origin;

/**
 * Refuses requests for a name that is not this hub's: another site may have let its own name lead here (DNS rebinding), and its
 * pages would then count as ours. Addresses cannot be made to lead elsewhere.
 * @param hosts other names of this hub, in small letters
 * @throws SendenseError `access.host`
 */
export function assertOwnHost({ host = '' }: Pick<CameFrom, 'host'>, hosts: ReadonlySet<string>): void {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (hosts.has(name)) return;
  if (name === 'localhost' || name.endsWith('.localhost') || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) return;
  if (name === hostname().toLowerCase()) return;
  throw new SendenseError('access.host', `this hub is not known as ${JSON.stringify(name.slice(0, 253))}`);
}
