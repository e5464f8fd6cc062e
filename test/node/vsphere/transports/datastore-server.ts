import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createSecureServer as createHttp2 } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
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
  /** Sends whole files, whatever it says. */
  lies: boolean;
  /** Asked for each GET: the whole file with 200, a shorter piece as such, or what is no HTTP; null: what was asked for. */
  oddAnswer(): 'whole' | 'short' | 'garbage' | null;
  /** Status and body of the answer to each GET. */
  page: readonly [status: number, body: string] | null;
  /** Closes the connection after each answer. */
  closes: boolean;
  /** Sends what is so many bytes further on. */
  shift: number;
  /** Connections so far. */
  connections(): number;
}

export interface DatastoreServerOptions {
  /** What the certificate is made for, as OpenSSL spells it. Default: IP:127.0.0.1. */
  readonly names?: string;
  /** Default: any. */
  readonly port?: number;
  /** The certificate is signed by an authority; `caPem` is the certificate itself all the same. */
  readonly signed?: boolean;
  /** Another key than those of the servers before: it is another machine. */
  readonly isAnother?: boolean;
  /** Speaks HTTP/2 with who can. */
  readonly http2?: boolean;
}

/** @param folder for key and certificate; what is there of another server is overwritten */
export async function startDatastoreServer(
  folder: string,
  { names = 'IP:127.0.0.1', port = 0, signed = false, isAnother = false, http2 = false }: DatastoreServerOptions = {},
): Promise<DatastoreServer> {
  if (isAnother) rsaKeys.clear();
  const [key, cert] = signed ? signedCertificate(folder, names) : ownCertificate(folder, 'server', names);
  const caPem = readFileSync(cert, 'utf8');
  const certificate = new X509Certificate(caPem);
  const make = http2 ? (createHttp2 as unknown as typeof createServer) : createServer;
  const secrets = { key: readFileSync(key), cert: caPem, allowHTTP1: true };
  const server = make(secrets, (request, response) => {
    const status = answer(self, request, response);
    self.seen.push({ method: request.method ?? '', url: request.url ?? '', range: request.headers.range, status });
  });
  let connections = 0;
  const sockets = new Set<Socket>();
  server.on('secureConnection', () => connections++);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(port, '127.0.0.1');
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
    lies: false,
    oddAnswer: () => null,
    page: null,
    closes: false,
    shift: 0,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
  return self;
}

const rsaKeys = new Map<string, string>();

/**
 * The same for every server of this name, because it takes a quarter of a second to find one. Each certificate is another one, but
 * OpenSSL takes it for one that the first has signed: same name, same key.
 */
function rsaKey(name: string): string {
  let key = rsaKeys.get(name);
  if (key === undefined) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    rsaKeys.set(name, (key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()));
  }
  return key;
}

function ownCertificate(folder: string, name: string, names: string): [key: string, cert: string] {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  const subject = ['-subj', `/CN=${name === 'server' ? 'photon-machine' : name}`, '-addext', `subjectAltName=${names}`];
  writeFileSync(key, rsaKey(name));
  openssl('req', '-x509', '-key', key, '-days', '2', ...subject, '-out', cert);
  return [key, cert];
}

/** As a vCenter's own authority (VMCA) makes it. */
function signedCertificate(folder: string, names: string): [key: string, cert: string] {
  const [caKey, ca] = ownCertificate(folder, 'authority', 'DNS:authority.example.com');
  const [key, cert, wish, fields] = ['key', 'crt', 'csr', 'ext'].map((end) => join(folder, `server.${end}`)) as [
    string,
    string,
    string,
    string,
  ];
  writeFileSync(fields, `subjectAltName=${names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`);
  writeFileSync(key, rsaKey('signed'));
  openssl('req', '-new', '-key', key, '-subj', '/CN=vcenter', '-out', wish);
  const by = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '2', '-extfile', fields];
  openssl('x509', '-req', '-in', wish, ...by, '-out', cert);
  return [key, cert];
}

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });

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
  if (self.page) return send(self.page[0], { location: '/login' }, self.page[1]);
  if (self.closes) response.setHeader('connection', 'close');
  const [, asked = '', end = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const first = Number(asked) + self.shift;
  let last = Math.min(Number(end), size - 1);
  if (asked === '' || !self.ranges || self.lies) return send(200, { 'content-length': size }, content);
  const odd = self.oddAnswer();
  if (odd === 'whole') return send(200, { 'content-length': size }, content);
  if (odd === 'garbage') return (request.socket.write('garbage\n'.repeat(99), () => request.socket.destroy()), 0);
  if (odd === 'short') last -= 1;
  const body = content.subarray(first, last + 1);
  response.writeHead(206, { 'content-length': body.length, 'content-range': `bytes ${first}-${last}/${size}` });
  const cut = self.cutAfter();
  if (cut === -1) response.flushHeaders();
  else if (cut === null || cut >= body.length) response.end(body);
  else response.write(body.subarray(0, cut), () => request.socket.destroy());
  return 206;
}
