import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { SendenseError } from '../../errors/sendense-error.ts';

/** Headers of a request, by small letters. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Refuses writes that a page of another site has begun in a browser that is logged in here. Browsers say who began a request
 * (`Sec-Fetch-Site`, `Origin`); no page can change what they say.
 * @throws SendenseError `access.origin`
 */
export function assertSameOrigin(headers: Headers): void {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined ? site === 'same-origin' : typeof origin === 'string' && hostOf(origin) === host) return;
  throw new SendenseError('access.origin', 'the request does not come from the page of this hub');
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

/**
 * Refuses requests for a name that is not this hub's: another site may have let its own name lead here (DNS rebinding), and its
 * pages would then count as ours. Addresses cannot be made to lead elsewhere.
 * @throws SendenseError `access.host`
 */
export function assertOwnHost({ host }: Headers): void {
  const name = typeof host === 'string' ? host.replace(/:\d+$/, '').toLowerCase() : '';
  if (name === 'localhost' || name.endsWith('.localhost') || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) return;
  if (name === hostname().toLowerCase()) return;
  throw new SendenseError('access.host', `this hub is not known as ${JSON.stringify(name.slice(0, 253))}`);
}
