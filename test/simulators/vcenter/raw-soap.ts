import { request, type RequestOptions } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { Vcenter } from './start-vcenter.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** SOAP with simple strings, to test the test vCenter itself with nothing of ours in between. */
export interface RawSoap {
  /** Text of the answer's body; an error where the server faults. */
  call(method: string, type: string, moref: string, args?: string): Promise<string>;
  /** The same, of a method that starts a task: its result's text, when it has ended; an error where it fails. */
  task(method: string, type: string, moref: string, args?: string): Promise<string>;
  property(type: string, moref: string, path: string): Promise<string>;
  login(password?: string): Promise<string>;
  get(path: string, options?: RequestOptions): Promise<Answer>;
  put(path: string, body: Uint8Array, options?: RequestOptions): Promise<Answer>;
  cookie: string;
}

const limitMs = 60_000;

function send(vcenter: Vcenter, path: string, options: RequestOptions, body?: string | Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${vcenter.url}${path}`,
      { ca: vcenter.caPem, agent: false, signal: AbortSignal.timeout(limitMs), ...options },
      (answer) => {
        const parts: Buffer[] = [];
        answer
          .on('data', (part: Buffer) => parts.push(part))
          .on('error', reject)
          .on('end', () =>
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }),
          );
      },
    );
    sent.on('error', reject).end(body);
  });
}

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Text of the first element of a name. */
export const element = (xml: string, name: string): string =>
  new RegExp(`<${name}(?: [^>]*)?>([^]*?)</${name}>`).exec(xml)?.[1] ?? '';

export const elements = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>([^]*?)</${name}>`, 'g'))].map((match) => match[1] ?? '');

export function rawSoap(vcenter: Vcenter): RawSoap {
  const esx = vcenter.datacenter === 'ha-datacenter';
  const raw: RawSoap = {
    cookie: '',
    async call(method, type, moref, args = '') {
      const envelope =
        `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
        `<Body><${method} xmlns="urn:vim25"><_this type="${type}">${moref}</_this>${args}</${method}></Body></Envelope>`;
      const headers = { 'content-type': 'text/xml', ...(raw.cookie ? { cookie: raw.cookie } : {}) };
      const answer = await send(vcenter, '/sdk', { method: 'POST', headers }, envelope);
      const text = answer.body.toString();
      const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0];
      if (cookie) raw.cookie = cookie;
      if (answer.status !== 200) throw new Error(faultName(text));
      return text;
    },
    async task(method, type, moref, args) {
      const task = element(await raw.call(method, type, moref, args), 'returnval');
      const deadline = Date.now() + limitMs;
      for (;;) {
        const info = await raw.property('Task', task, 'info');
        const state = element(info, 'state');
        if (state === 'success') return element(info, 'result');
        if (state === 'error') throw new Error(faultName(info));
        if (Date.now() > deadline) throw new Error(`${method} did not end`);
      }
    },
    async property(type, moref, path) {
      const spec =
        `<specSet><propSet><type>${type}</type><pathSet>${path}</pathSet></propSet>` +
        `<objectSet><obj type="${type}">${moref}</obj></objectSet></specSet><options/>`;
      const collector = esx ? 'ha-property-collector' : 'propertyCollector';
      return element(await raw.call('RetrievePropertiesEx', 'PropertyCollector', collector, spec), 'val');
    },
    login: (password = vcenter.password) =>
      raw.call(
        'Login',
        'SessionManager',
        esx ? 'ha-sessionmgr' : 'SessionManager',
        `<userName>${vcenter.user}</userName><password>${escaped(password)}</password>`,
      ),
    get: (path, options = {}) =>
      send(vcenter, path, { ...options, headers: { cookie: raw.cookie, ...options.headers } }),
    put: (path, bytes, options = {}) =>
      send(vcenter, path, { method: 'PUT', ...options, headers: { cookie: raw.cookie, ...options.headers } }, bytes),
  };
  return raw;
}

/** `FileFault vim.hostd.vmsvc.cbt.noTrack`: the fault's type, and property and message key where it has them. */
function faultName(xml: string): string {
  const type = /<(?:\w+Fault|fault) [^>]*[\w-]+:type="(\w+)"/.exec(xml)?.[1] ?? element(xml, 'faultstring');
  const key = element(element(xml, 'faultMessage'), 'key');
  return [type, element(xml, 'invalidProperty'), key].filter(Boolean).join(' ');
}
