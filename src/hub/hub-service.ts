import type { HubLog } from './hub-log.ts';

export interface ServeHubOptions {
  /** HOST:PORT of the built-in SSH server, instead of what the settings say. */
  readonly listen?: string | undefined;
  /** `sendense-run` as a list of words: runs are processes of their own. */
  readonly program: readonly string[];
  readonly log: HubLog;
}

/** The hub as a service, until it is disposed of. */
export interface HubService extends AsyncDisposable {
  /** HOST:PORT; null where OpenSSH answers the nodes. */
  readonly ssh: string | null;
  /** http://HOST:PORT or https://HOST:PORT */
  readonly api: string;
  /** SHA-256 of the certificate that the API begins with; null: it does not speak TLS. */
  readonly fingerprint: string | null;
  /** Rejects where the API or the SSH server does not. */
  answers(signal: AbortSignal): Promise<void>;
}
