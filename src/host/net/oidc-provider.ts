import type { Configuration } from 'openid-client';
import { SendenseError } from '../../errors/sendense-error.ts';

export interface OidcClient {
  readonly issuer: string;
  readonly clientId: string;
  /** Null: the provider knows the client without one. */
  readonly clientSecret: string | null;
  readonly scope: string;
}

/** What one login is about, from its begin to its end. The browser has it sealed. */
export interface OidcAttempt {
  readonly state: string;
  readonly nonce: string;
  /** Of PKCE (RFC 7636). */
  readonly verifier: string;
  readonly redirectUri: string;
  /** The provider has to ask for the password, though it knows the user. */
  readonly again: boolean;
}

/** What the provider says of who has logged in, its ID token checked. */
export interface OidcClaims {
  readonly iss: string;
  readonly sub: string;
  readonly [claim: string]: unknown;
}

/** An identity provider that speaks OpenID Connect. */
export interface OidcProvider {
  /** A new attempt, and where the browser goes with it. @throws SendenseError `access.provider` */
  begin(redirectUri: string, again: boolean): Promise<{ readonly attempt: OidcAttempt; readonly location: string }>;
  /**
   * Takes the code that the browser has brought back, for an ID token of this client, this attempt and this provider.
   * @param query of the address to which the browser came back @throws SendenseError `access.oidc`, `access.provider`
   */
  finish(attempt: OidcAttempt, query: string): Promise<OidcClaims>;
  /** Where the browser ends the provider's own session; null: the provider has no such place. @throws SendenseError `access.provider` */
  signOut(to: string): Promise<string | null>;
}

/** What is known of the provider is read again after so long, ms. */
const keepMs = 3_600_000;
const timeoutSeconds = 10;

/** @param options.insecure also over http: only for a provider on this machine */
export function oidcProvider(
  { issuer, clientId, clientSecret, scope }: OidcClient,
  { insecure }: { readonly insecure: boolean },
): OidcProvider {
  let known: { readonly config: Promise<Configuration>; readonly until: number } | undefined;
  const configuration = async (): Promise<Configuration> => {
    if (!known || known.until < Date.now()) known = { config: discover(), until: Date.now() + keepMs };
    const { config } = known;
    try {
      return await config;
    } catch (cause) {
      if (known?.config === config) known = undefined;
      throw unreachable(issuer, cause);
    }
  };
  async function discover(): Promise<Configuration> {
    const client = await import('openid-client');
    const authentication = clientSecret === null ? client.None() : client.ClientSecretBasic(clientSecret);
    return await client.discovery(new URL(issuer), clientId, {}, authentication, {
      timeout: timeoutSeconds,
      // Signatures are checked although the token comes from the provider itself.
      execute: [client.enableNonRepudiationChecks, ...(insecure ? [client.allowInsecureRequests] : [])],
    });
  }
  return {
    async begin(redirectUri, again) {
      const config = await configuration();
      const client = await import('openid-client');
      const attempt: OidcAttempt = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
        redirectUri,
        again,
      };
      const location = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope,
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: 'S256',
        ...(again ? { prompt: 'login', max_age: '0' } : {}),
      });
      return { attempt, location: location.href };
    },
    async finish({ state, nonce, verifier, redirectUri }, query) {
      const config = await configuration();
      const client = await import('openid-client');
      const came = new URL(redirectUri);
      came.search = query;
      try {
        const tokens = await client.authorizationCodeGrant(config, came, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (!claims) throw new Error('it sent no ID token');
        if (config.serverMetadata().userinfo_endpoint === undefined) return claims;
        // Many providers tell of groups only there.
        const more = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
        return { ...more, ...claims };
      } catch (cause) {
        throw refusal(issuer, cause);
      }
    },
    async signOut(to) {
      const config = await configuration();
      if (config.serverMetadata().end_session_endpoint === undefined) return null;
      const { buildEndSessionUrl } = await import('openid-client');
      return buildEndSessionUrl(config, { post_logout_redirect_uri: to, client_id: clientId }).href;
    },
  };
}

/** Errors of connections, and answers that are none of OpenID Connect. */
const notReached = new Set(['OAUTH_TIMEOUT', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_RESPONSE_IS_NOT_CONFORM']);

/** Never with the texts that the provider or the browser sent: they may hold codes. */
function refusal(issuer: string, cause: unknown): SendenseError {
  const { code, error } = cause as { readonly code?: string; readonly error?: unknown };
  if (code !== undefined && notReached.has(code)) return unreachable(issuer, cause);
  if (cause instanceof TypeError && code === undefined) return unreachable(issuer, cause);
  const word = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : (code ?? (cause as Error).name);
  return new SendenseError('access.oidc', `${issuer} and the hub do not agree on the login (${word})`, { cause });
}

const unreachable = (issuer: string, cause: unknown): SendenseError =>
  new SendenseError('access.provider', `${issuer} does not answer as an identity provider`, { cause });
