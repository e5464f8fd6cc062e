/** A real identity provider (`oidc-provider`, certified by the OpenID Foundation) on this machine, and people who log in there. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Provider, type Configuration } from 'oidc-provider';

export const client = { id: 'sendense', secret: 'client-secret-0123456789abcdef' };

export interface RealProvider extends AsyncDisposable {
  readonly issuer: string;
  /** Groups of people, by name; everybody may log in with any password. */
  readonly groups: Map<string, readonly string[]>;
  /** Knows a hub from now on. */
  serve(hub: string): void;
}

/** It listens before it knows the hub, whose settings name it. */
export async function realProvider(): Promise<RealProvider> {
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown = (_request, response) => response.end();
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const groups = new Map<string, readonly string[]>();
  return {
    issuer,
    groups,
    serve(hub) {
      answer = new Provider(issuer, configurationFor(hub, groups)).callback();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const configurationFor = (hub: string, groups: ReadonlyMap<string, readonly string[]>): Configuration => ({
  clients: [
    {
      client_id: client.id,
      client_secret: client.secret,
      redirect_uris: [`${hub}/api/v1/session/oidc/callback`],
      post_logout_redirect_uris: [`${hub}/`],
    },
  ],
  cookies: { keys: ['a key of this test'] },
  ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 600 },
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
  features: { devInteractions: { enabled: true } },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, groups: [...(groups.get(id) ?? [])] }),
  }),
  // The hub is known to everybody: nobody is asked for consent.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ clientId: oidc.client?.clientId, accountId: oidc.session?.accountId });
    grant.addOIDCScope('openid profile');
    await grant.save();
    return grant;
  },
});

/** A browser without a screen: keeps cookies by host, follows where it is led. */
export class Surfer {
  readonly jar = new Map<string, Map<string, string>>();

  async open(url: string, more: RequestInit = {}): Promise<Response> {
    const { host } = new URL(url);
    const cookies = this.jar.get(host) ?? new Map<string, string>();
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { ...more, redirect: 'manual', headers: { cookie, ...more.headers } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    this.jar.set(host, cookies);
    return answer;
  }

  /** Logs in at the provider, and stops where it leads back to the hub. @returns that address */
  async logIn(start: string, name: string, hub: string): Promise<string> {
    let url = await this.next(start);
    for (let hop = 0; hop < 12; hop++) {
      if (url.startsWith(hub)) return url;
      const answer = await this.open(url);
      if (answer.status === 200) {
        const action = /action="([^"]+)"/.exec(await answer.text())?.[1] ?? '';
        const body = new URLSearchParams({ prompt: 'login', login: name, password: 'x' });
        url = await this.next(new URL(action, url).href, { method: 'POST', body });
      } else url = new URL(answer.headers.get('location') ?? '', url).href;
    }
    throw new Error(`the provider leads in circles: ${url}`);
  }

  private async next(url: string, more: RequestInit = {}): Promise<string> {
    const answer = await this.open(url, more);
    const to = answer.headers.get('location');
    if (to === null) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
    return new URL(to, url).href;
  }
}
