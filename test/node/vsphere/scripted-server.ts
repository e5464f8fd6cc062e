import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type ServerOptions } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';

export interface Asked {
  /** `Login`, … */
  readonly method: string;
  readonly body: string;
  readonly cookie: string | undefined;
}

/** An HTTPS server that answers what a test says: for what no vCenter would answer. */
export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  readonly thumbprint: string;
  readonly caPem: string;
  readonly asked: Asked[];
  /** Bytes of HTTP that came in, of anybody. */
  bytesIn(): number;
  /** Called for each request; undefined: the good answer. */
  script: (asked: Asked, response: ServerResponse) => string | void;
  /** Ends the connections that are open; new ones are accepted. */
  cut(): void;
}

const soap = (inner: string): string =>
  '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ' +
  `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>${inner}</soapenv:Body></soapenv:Envelope>`;

export const answer = (method: string, inner: string): string =>
  soap(`<${method}Response xmlns="urn:vim25">${inner}</${method}Response>`);

export const fault = (type: string, inner = '', said = 'It failed.'): string =>
  soap(
    `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>${said}</faultstring>` +
      `<detail><${type}Fault xmlns="urn:vim25" xsi:type="${type}">${inner}</${type}Fault></detail></soapenv:Fault>`,
  );

const serviceContent =
  '<returnval><rootFolder type="Folder">group-d1</rootFolder><propertyCollector type="PropertyCollector">pc</propertyCollector>' +
  '<sessionManager type="SessionManager">sm</sessionManager>' +
  '<eventManager type="EventManager">em</eventManager><future><unknown>1</unknown></future><about><fullName>Scripted</fullName>' +
  '<apiType>VirtualCenter</apiType><apiVersion>8.0.2.0</apiVersion><instanceUuid>u-1</instanceUuid></about></returnval>';

function good(method: string, response: ServerResponse): string {
  if (method === 'RetrieveServiceContent') {
    // vCenter does this: a cookie for a session that nobody has logged in to.
    response.setHeader('set-cookie', 'vmware_soap_session="anonymous"; Path=/; HttpOnly; Secure;');
    return answer(method, serviceContent);
  }
  if (method === 'Login') {
    response.setHeader('set-cookie', 'vmware_soap_session="c00kie-canary"; Path=/; HttpOnly; Secure;');
    return answer(method, '<returnval><key>k</key></returnval>');
  }
  return method === 'CurrentTime' ? answer(method, '<returnval>2026-01-02T03:04:05Z</returnval>') : answer(method, '');
}

export async function startScriptedServer(names = 'IP:127.0.0.1', port = 0): Promise<ScriptedServer> {
  const folder = await mkdtemp(join(tmpdir(), 'scripted-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=vcenter.example.com -addext`
      .split(' ')
      .concat([`subjectAltName=${names}`, '-keyout', keyFile, '-out', certFile]),
    { stdio: 'ignore' },
  );
  const options: ServerOptions = { key: await readFile(keyFile), cert: await readFile(certFile) };
  await rm(folder, { recursive: true });
  const caPem = String(options.cert);
  const sockets = new Set<TLSSocket>();
  let bytes = 0;
  const server = createServer(options, (request, response) => {
    void (async () => {
      const body = await text(request);
      const method = /<soapenv:Body><(\w+)/.exec(body)?.[1] ?? '';
      const asked = { method, body, cookie: request.headers.cookie };
      self.asked.push(asked);
      const said = self.script(asked, response);
      if (response.headersSent || response.destroyed) return;
      const reply = said ?? good(method, response);
      if (reply.includes('soapenv:Fault')) response.statusCode = 500;
      response.setHeader('content-type', 'text/xml');
      response.end(reply);
    })().catch(() => response.destroy());
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const self: ScriptedServer = {
    port: (server.address() as AddressInfo).port,
    thumbprint: new X509Certificate(caPem).fingerprint256,
    caPem,
    asked: [],
    bytesIn: () => bytes,
    script: () => {},
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      self.cut();
      await closed;
    },
  };
  return self;
}
