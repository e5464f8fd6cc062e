import type { State } from '../state/database/open-state.ts';
import type { Settings } from '../schemas/types.ts';
import { version } from '../schemas/package.ts';
import { createRepeats } from './acts/repeats.ts';
import { apiTokenFrom } from './api-token.ts';
import { createHubApi } from './create-hub-api.ts';
import { reachKeeper } from './files/reach-keeper.ts';
import type { Hub } from './hub.ts';
import type { HubService, ServeHubOptions } from './hub-service.ts';
import { createServiceFigures } from './metrics/service-figures.ts';
import { commandAsker, runStarter } from './runs/start-run.ts';
import type { Server as TlsServer } from 'node:tls';
import { isLoopbackHost } from '../host/net/loopback.ts';
import { listenerAnswers, tlsListenerAnswers } from '../host/net/listener-answers.ts';
import { followCertificate } from './tls/follow-certificate.ts';
import { hubCertificate, type HubCertificate } from './tls/hub-certificate.ts';
import type { HubLog } from './hub-log.ts';
import { SendenseError, toSendenseError } from '../errors/sendense-error.ts';
import { updateAuthorizedKeys, type AuthorizedKeysPlaces } from './nodes/authorized-keys.ts';
import { builtinHostKey } from './nodes/host-key.ts';
import { hubPlaces, type HubPlaces } from './nodes/hub-places.ts';
import { cannotListen } from './ssh-server/cannot-listen.ts';

export interface ServeOptions extends ServeHubOptions {
  /** What the API acts with. */
  readonly hub: Hub;
  readonly state: State;
  readonly settings: Settings;
  readonly settingsFolder: string;
  /** Absolute. */
  readonly settingsFile: string;
}

/**
 * The hub as a service: the built-in SSH server, unless OpenSSH answers the nodes, and the API. Runs are
 * other processes.
 * @throws SendenseError `hub.address`, `hub.host-key`, `secret.unreadable`, `settings.invalid`
 */
export async function serveHub(options: ServeOptions): Promise<HubService> {
  const { hub, state, settings, settingsFolder, settingsFile, listen, program, log } = options;
  await using stack = new AsyncDisposableStack();
  const places = hubPlaces(settings, settingsFolder, { listen });
  assertNotInTheClear(places, settings);
  const certificate = places.tls && (await hubCertificate(places.tls, settings.hub.hosts));
  bringUpToDate(state, { places, settingsFile }, log);
  const figures = createServiceFigures(version);
  const token = await apiTokenFrom(places.apiTokenFile);
  const metricsToken = await apiTokenFrom(places.metricsTokenFile);
  let countElsewhere = async (): Promise<void> => {};
  const api = await createHubApi({
    parts: {
      hub,
      ssh: places.ssh,
      service: figures,
      countElsewhere: () => countElsewhere(),
      startRun: runStarter({ program, settingsFile }),
      askCommand: commandAsker({ program, settingsFile }),
      repeats: createRepeats(state),
      filesKeeper: () => reachKeeper({ settingsFile, settings, version, program }),
    },
    token,
    metricsToken,
    log,
    certificate: certificate ?? undefined,
  });
  stack.defer(() => api.close());
  let url: string;
  try {
    url = await api.listen(places.api);
  } catch (cause) {
    throw cannotListen('hub.api', places.api, cause);
  }
  if (certificate && places.tls) {
    const server = api.server as unknown as TlsServer;
    stack.use(followCertificate({ files: places.tls, first: certificate, server, log }));
    warnOfEnd(certificate, log);
  }
  let ssh: string | null = null;
  let sshAnswer = async (_signal: AbortSignal): Promise<void> => {};
  if (places.ssh === 'builtin') {
    const { privateKey: hostKey } = await builtinHostKey(places.hostKeyFile);
    const { serveSsh } = await import('./ssh-server/serve-ssh.ts');
    const server = stack.use(await serveSsh({ state, places, figures, log, hostKey }));
    ssh = `${server.host}:${server.port}`;
    countElsewhere = server.count;
    // Who speaks first is answered at once (`first-bytes.ts`).
    sshAnswer = (signal) => listenerAnswers(server, signal, 'SSH-2.0-sendense\r\n');
  }
  const owned = stack.move();
  const answers = async (signal: AbortSignal): Promise<void> => {
    const { hostname, port } = new URL(url);
    const request = `GET /api/v1/health HTTP/1.0\r\nauthorization: Bearer ${token}\r\n\r\n`;
    const at = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || (certificate ? 443 : 80)) };
    const asked = certificate ? tlsListenerAnswers(at, signal) : listenerAnswers(at, signal, request);
    await Promise.all([asked, sshAnswer(signal)]);
  };
  const fingerprint = certificate?.fingerprint ?? null;
  return { ssh, api: url, fingerprint, answers, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Passwords and tokens go over the API: it answers other machines over TLS, or through a proxy. @throws SendenseError `hub.address` */
function assertNotInTheClear({ api, tls }: HubPlaces, { hub }: Settings): void {
  if (tls || hub.proxy || isLoopbackHost(api.host)) return;
  throw new SendenseError('hub.address', `hub.api ${hub.api}: other machines reach it, and it does not speak TLS`, {
    remedy:
      'Add `tls: true` to `hub:` in sendense.yaml, and the hub makes a certificate. Or name yours (`certificate`, `key`), or the proxy before it (`proxy: { from: [ADDRESS] }`). Or let it listen on 127.0.0.1.',
  });
}

/** Ahead of the end, ms. */
const soonMs = 21 * 86_400_000;

function warnOfEnd({ expires }: HubCertificate, log: HubLog): void {
  if (expires - Date.now() < soonMs) log.warn(`the certificate of the API ends on ${new Date(expires).toISOString()}`);
}

/** What sshd lets nodes do may be written by an earlier version; where it cannot be changed the runs of nodes say what is missing. */
function bringUpToDate(state: State, options: AuthorizedKeysPlaces, log: HubLog): void {
  try {
    updateAuthorizedKeys(state, options);
  } catch (error) {
    log.error(`the keys of the nodes are not up to date: ${toSendenseError(error).message}`);
  }
}
