import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A server that does what vSphere's /folder does, and what goes wrong there; the test changes its fields. */
export interface DatastoreServer extends AsyncDisposable {
  readonly port: number;
  readonly thumbprint: string;
  readonly thumbprintSha1: string;
  readonly caPem: string;
  /** Path and query as they come over the wire, to the file's content. */
  readonly files: Map<string, Buffer>;
  /** Requests so far: method, path, range, status. */
  readonly seen: { method: string; url: string; range: string | undefined; status: number }[];
  /** The only cookie that is accepted. */
  cookie: string;
  /** Answers before this are not of interest; called for each request, may give a status of its own or null. */
  trouble(request: IncomingMessage): number | null;
  /** Bytes of an answer's body after which the connection is cut; null: never; -1: no body, and no end. Called per GET. */
  cutAfter(): number | null;
  /** Content-Length and ranges as HEAD shows them. */
  headSize(size: number): number;
  ranges: boolean;
  /** Closes the connection after each answer. */
  closes: boolean;
  /** Sends what is so many bytes further on. */
  shift: number;
  /** Connections so far. */
  connections(): number;
}

export async function startDatastoreServer(folder: string): Promise<DatastoreServer> {
  const [key, cert] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=photon-machine'].concat([
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      cert,
    ]),
    { stdio: 'ignore' },
  );
  const caPem = readFileSync(cert, 'utf8');
  const certificate = new X509Certificate(caPem);
  const server = createServer({ key: readFileSync(key), cert: caPem }, (request, response) => {
    const status = answer(self, request, response);
    self.seen.push({ method: request.method ?? '', url: request.url ?? '', range: request.headers.range, status });
  });
  let connections = 0;
  server.on('secureConnection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const self: DatastoreServer = {
    port: (server.address() as AddressInfo).port,
    thumbprint: certificate.fingerprint256,
    thumbprintSha1: certificate.fingerprint,
    caPem,
    files: new Map(),
    seen: [],
    cookie: 'vmware_soap_session="first"',
    trouble: () => null,
    cutAfter: () => null,
    headSize: (size) => size,
    ranges: true,
    closes: false,
    shift: 0,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return self;
}

function answer(self: DatastoreServer, request: IncomingMessage, response: ServerResponse): number {
  const send = (status: number, headers = {}, body: Buffer | string = ''): number => {
    response.writeHead(status, headers).end(body);
    return status;
  };
  if (request.headers.cookie !== self.cookie) return send(401);
  const trouble = self.trouble(request);
  if (trouble !== null) return send(trouble);
  const content = self.files.get(request.url ?? '');
  if (!content) return send(404);
  const size = content.length;
  const ranges = self.ranges ? { 'accept-ranges': 'bytes' } : {};
  if (request.method === 'HEAD') return send(200, { ...ranges, 'content-length': self.headSize(size) });
  if (self.closes) response.setHeader('connection', 'close');
  const [, asked = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const first = Number(asked) + self.shift;
  if (asked === '' || !self.ranges) return send(200, { 'content-length': size }, content);
  const body = content.subarray(first, Number(last) + 1);
  response.writeHead(206, { 'content-length': body.length, 'content-range': `bytes ${first}-${last}/${size}` });
  const cut = self.cutAfter();
  if (cut === -1) response.flushHeaders();
  else if (cut === null || cut >= body.length) response.end(body);
  else response.write(body.subarray(0, cut), () => request.socket.destroy());
  return 206;
}
