/** A provider that signs what it should not: each lie is a way in which an ID token can be wrong. */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Lie {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  /** Signed by somebody else. */
  readonly foreign?: boolean;
}

export interface LyingProvider extends AsyncDisposable {
  readonly issuer: string;
  lie: Lie;
  /** Of the last attempt that came. */
  nonce: string;
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenOf(key: KeyObject, header: object, claims: object): string {
  const text1 = `${part(header)}.${part(claims)}`;
  return `${text1}.${sign('sha256', Buffer.from(text1), key).toString('base64url')}`;
}

export async function lyingProvider(): Promise<LyingProvider> {
  const [own, foreign] = [1, 2].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));
  if (!own || !foreign) throw new Error('no keys');
  const answerTo = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', issuer);
    const answers: Record<string, () => object> = {
      '/.well-known/openid-configuration': () => ({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        id_token_signing_alg_values_supported: ['RS256'],
      }),
      '/jwks': () => ({ keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }] }),
      '/token': () => {
        const now = Math.floor(Date.now() / 1000);
        const claims = { iss: issuer, aud: 'sendense', sub: 's1', iat: now, exp: now + 60, nonce: at.nonce };
        const key = at.lie.foreign ? foreign.privateKey : own.privateKey;
        const told = { ...claims, preferred_username: 'anna', groups: ['admins'], ...at.lie.claims };
        const token = tokenOf(key, { alg: 'RS256', kid: 'k', ...at.lie.header }, told);
        return { access_token: createHash('md5').update(token).digest('hex'), token_type: 'bearer', id_token: token };
      },
    };
    await text(request);
    const answer = answers[pathname];
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer?.() ?? {}));
  };
  const server = createServer((request, response) => void answerTo(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const at: LyingProvider = {
    issuer,
    lie: {},
    nonce: '',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return at;
}
