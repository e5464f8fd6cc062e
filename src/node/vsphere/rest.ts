import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { VsphereAddress } from './connect.ts';
import { pinnedAgent, readBody } from './pinned-agent.ts';
import { refusedLogins } from './refused-logins.ts';
import { hideSecrets } from './hide-secrets.ts';
import { parseJson } from '../../schemas/parse-json.ts';

const { request: httpRequest } = process.getBuiltinModule('node:http');

const answerMs = 60_000;

/** vCenter's REST API, which knows what SOAP does not: tags. A session of its own, ended when it is disposed of. */
export interface VsphereRest extends AsyncDisposable {
  /** `value` of the answer; `path` below /rest/. @throws SendenseError `vsphere.*` */
  call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown>;
}

/** @throws SendenseError `vsphere.login`, `vsphere.unreachable`, `vsphere.protocol`, `vsphere.tls` */
export async function openRest(address: VsphereAddress, signal?: AbortSignal): Promise<VsphereRest> {
  const closing = new AbortController();
  const agent = pinnedAgent(address, true, closing.signal);
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  const login = Buffer.from(`${address.user}:${address.password}`).toString('base64');
  let session = '';

  const send = async (method: string, path: string, body: unknown, ends: AbortSignal | undefined): Promise<unknown> => {
    const what = `${method} /rest/${path} at ${address.host}`;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const limit = AbortSignal.timeout(answerMs);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = httpRequest({
      agent,
      method,
      host: address.host,
      port: address.port,
      path: `/rest/${path}`,
      signal: ends ? AbortSignal.any([ends, limit]) : limit,
      headers: {
        host: address.port === 443 ? host : `${host}:${address.port}`,
        accept: 'application/json',
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
        ...(session === '' ? { authorization: `Basic ${login}` } : { 'vmware-api-session-id': session }),
      },
    });
    let status: number;
    let text: string;
    try {
      request.on('response', resolve).on('error', reject).end(payload);
      const answer = await promise;
      status = answer.statusCode ?? 0;
      text = await readBody(answer);
    } catch (cause) {
      ends?.throwIfAborted();
      if (cause instanceof SendenseError) throw cause;
      throw new SendenseError('vsphere.unreachable', `${what}: ${toSendenseError(cause).message}`, { cause });
    }
    if (status === 401)
      throw new SendenseError('vsphere.login', `${what}: the user or the password is refused`, {
        details: { refused: session === '' },
      });
    if (status === 403) throw new SendenseError('vsphere.permission', `${what}: the user may not do that`);
    if (status < 200 || status > 299) {
      const shown = hideSecrets(text, [login, address.password, session]).slice(0, 200);
      throw new SendenseError('vsphere.protocol', `${what}: HTTP ${status} ${shown}`.trim());
    }
    return valueIn(text, what);
  };

  const close = (): void => {
    closing.abort();
    agent.destroy();
  };
  try {
    const value = await (address.refused ?? refusedLogins()).attempt(address, () =>
      send('POST', 'com/vmware/cis/session', undefined, signal),
    );
    if (typeof value !== 'string' || value === '')
      throw new SendenseError('vsphere.protocol', `${address.host} gave no session of its REST API`);
    session = value;
  } catch (error) {
    close();
    throw error;
  }
  return {
    call: (method, path, body) => send(method, path, body, signal),
    async [Symbol.asyncDispose]() {
      await send('DELETE', 'com/vmware/cis/session', undefined, undefined).catch(() => undefined);
      close();
    },
  };
}

function valueIn(text: string, what: string): unknown {
  if (text.trim() === '') return null;
  try {
    return (parseJson(text) as { value?: unknown } | null)?.value ?? null;
  } catch (cause) {
    throw new SendenseError('vsphere.protocol', `${what}: the answer is not JSON`, { cause });
  }
}
