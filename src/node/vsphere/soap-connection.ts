import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { envelope, type SoapArg } from './encode-soap.ts';
import { faultError } from './fault.ts';
import type { PinnedAddress } from './connect-pinned.ts';
import { hideSecrets } from './hide-secrets.ts';
import { pinnedAgent, readBody } from './pinned-agent.ts';
import { at, optionalText, parseXml, type Moref, type XmlValue } from './xml.ts';

export interface PostOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** Answer the element around the returnvals, for methods that return a list. */
  readonly all?: boolean;
}

/** SOAP over HTTPS, without a session of its own. Every connection is proven before its first request. */
export interface SoapConnection extends Disposable {
  /** The returnval elements' parent. @throws SendenseError `vsphere.*` */
  post(method: string, self: Moref, args: readonly SoapArg[], options?: PostOptions): Promise<XmlValue>;
  /** As the server last set it; empty before the login. */
  cookie: string;
  /** `urn:vim25/8.0`; empty: without version. */
  version: string;
}

// `import` of node:http makes a facade of all it exports, undici among it: 70 ms at every start.
const { request: httpRequest } = process.getBuiltinModule('node:http');

const answerMs = 120_000;

/** @param password is never told, nor is the cookie: not even where the server gives back what it was sent */
export function openSoap(address: PinnedAddress & { readonly password: string }, userAgent: string): SoapConnection {
  const closing = new AbortController();
  const agent = pinnedAgent(address, true, closing.signal);
  // A kept connection may have died unnoticed, and what starts a task is never sent twice: it gets one of its own.
  const freshAgent = pinnedAgent(address, false, closing.signal);
  const connection: SoapConnection = {
    cookie: '',
    version: '',
    async post(method, self, args, options = {}) {
      const what = `${method} at ${address.host}`;
      const { status, body, setCookie } = await send(method, envelope(method, self, args), what, options);
      // Others may bear a cookie, too, when they were sent without: of a session that nobody has logged in to.
      if (method === 'Login' && status === 200 && setCookie !== null) connection.cookie = setCookie;
      const good = status === 200 ? goodAnswer(method, body) : undefined;
      if (good) return good;
      throw refusal(what, method, status, hideSecrets(body, [address.password, valueOf(connection.cookie)]));
    },
    [Symbol.dispose]: () => {
      closing.abort();
      agent.destroy();
      freshAgent.destroy();
    },
  };

  const send = async (
    method: string,
    payload: string,
    what: string,
    { signal, timeoutMs = answerMs }: PostOptions,
  ): Promise<{ status: number; body: string; setCookie: string | null }> => {
    signal?.throwIfAborted();
    const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = httpRequest({
      agent: method.endsWith('_Task') ? freshAgent : agent,
      method: 'POST',
      host: address.host,
      port: address.port,
      path: '/sdk',
      headers: {
        'host': address.port === 443 ? host : `${host}:${address.port}`,
        'content-type': 'text/xml; charset=utf-8',
        'content-length': Buffer.byteLength(payload),
        'soapaction': `urn:vim25${connection.version}`,
        'user-agent': userAgent,
        ...(connection.cookie === '' ? {} : { cookie: connection.cookie }),
      },
    });
    // A request that still waits for its connection says nothing when it is destroyed.
    const end = (why: unknown): void => {
      reject(why);
      request.destroy();
    };
    let late: Error | undefined;
    const limit = setTimeout(() => end((late = new Error(`no answer for ${timeoutMs / 1000} s`))), timeoutMs);
    const onAbort = (): void => end(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      request.on('response', resolve).on('error', reject).end(payload);
      const answer = await promise;
      const body = await readBody(answer);
      return { status: answer.statusCode ?? 0, body, setCookie: sessionCookie(answer) };
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof SendenseError) throw cause;
      throw new SendenseError('vsphere.unreachable', `${what}: ${(late ?? toSendenseError(cause)).message}`, { cause });
    } finally {
      clearTimeout(limit);
      signal?.removeEventListener('abort', onAbort);
    }
  };
  return connection;
}

/** `vmware_soap_session="…"`, without its attributes. */
function sessionCookie(answer: IncomingMessage): string | null {
  const found = (answer.headers['set-cookie'] ?? []).find((one) => one.startsWith('vmware_soap_session='));
  return found === undefined ? null : (found.split(';')[0] ?? null);
}

function goodAnswer(method: string, body: string): XmlValue | undefined {
  try {
    return at(parseXml(body), `Body.${method}Response`);
  } catch {
    return undefined;
  }
}

function refusal(what: string, method: string, status: number, body: string): SendenseError {
  if (status === 503 || status === 502 || status === 504)
    return new SendenseError('vsphere.unreachable', `${what}: HTTP ${status}${quoted(body)}`);
  let content: XmlValue | undefined;
  try {
    content = at(parseXml(body), 'Body');
  } catch (cause) {
    const { message } = toSendenseError(cause);
    return garbled(`${what}: HTTP ${status}, ${message}${quoted(body)}`, cause);
  }
  const fault = at(content, 'Fault');
  if (fault) return faultError(what, at(fault, 'detail')?.children[0], optionalText(fault, 'faultstring') ?? '');
  return garbled(`${what}: HTTP ${status}, no ${method}Response${quoted(body)}`);
}

const garbled = (message: string, cause?: unknown): SendenseError =>
  new SendenseError('vsphere.protocol', message, {
    cause,
    details: { garbled: true },
    remedy:
      'Check that host and port are those of a vCenter or ESXi host. If they are, a proxy may be in between that answers in its place, or cuts its answers off.',
  });

const valueOf = (cookie: string): string => /="?([^"]*)/.exec(cookie)?.[1] ?? '';

/** The text of an HTML page or the like, shortly. */
function quoted(body: string): string {
  const text = body
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
  return text === '' ? '' : `: ${text}`;
}
