import { createApi, documentOf, type ApiServer } from '../api/create-api.ts';
import { defaultLimits, type ApiLimits } from '../api/limits.ts';
import { version } from '../schemas/package.ts';
import { createInquiries } from './acts/inquiries.ts';
import { hubDoor } from './access/hub-door.ts';
import { trustedProxy } from './access/trusted-proxy.ts';
import { tlsRules } from './tls/follow-certificate.ts';
import type { HubCertificate } from './tls/hub-certificate.ts';
import { watchChanges } from './events/watch-changes.ts';
import type { HubLog } from './hub-log.ts';
import { headBytes } from './routes/files/route.ts';
import { rememberedAnswers } from './routes/remembered.ts';
import { hubApi } from './routes/index.ts';
import { answerPage } from './page/answer-page.ts';
import { readPageFiles } from './page/page-files.ts';
import type { HubParts } from './routes/route.ts';

export interface HubApiOptions {
  readonly parts: Omit<HubParts, 'openApi' | 'remembered' | 'events' | 'inquiries'>;
  /** Every request must bring it: `Authorization: Bearer …`. */
  readonly token: string;
  /** Good for figures alone. */
  readonly metricsToken: string;
  readonly log: HubLog;
  /** Speaks TLS with this; absent: HTTP. */
  readonly certificate?: Pick<HubCertificate, 'cert' | 'key'> | undefined;
  readonly limits?: Partial<ApiLimits>;
}

const hubLimits: ApiLimits = {
  ...defaultLimits,
  headerBytes: headBytes,
  // Of a request whose route takes no body.
  bodyBytes: 1024,
  bodyMs: 10_000,
  // Who watches comes once a minute.
  idleMs: 72_000,
  silenceMs: 60_000,
  // A page in each of fifty browsers has six at most.
  connections: 1024,
  connectionsOfOne: 320,
};

/** The hub's HTTP API, not listening yet. */
export async function createHubApi(options: HubApiOptions): Promise<ApiServer> {
  const { parts, token, metricsToken, log, limits, certificate } = options;
  const { hub, service } = parts;
  const { hosts, proxy: proxySettings } = hub.settings.hub;
  const proxy = trustedProxy(proxySettings);
  const events = watchChanges({
    changes: () => hub.changes(),
    ofRun: (id) => hub.pages.markOfRun(id),
    ofProgress: (id) => hub.pages.markOfProgress(id),
    failed: (error) => log.warn(`changes cannot be watched: ${error.message}`),
  });
  const inquiries = createInquiries(parts.askCommand);
  const page = readPageFiles();
  const app = await createApi(hubApi, {
    parts: {
      ...parts,
      openApi: documentOf(hubApi, version),
      events,
      inquiries,
      remembered: rememberedAnswers(() => hub.changes()),
    },
    token,
    door: hubDoor({ token, metricsToken, access: hub.access, apiTokens: hub.tokens, hosts, proxy }),
    cameFrom: proxy.cameFrom,
    ...(certificate && { tls: { ...tlsRules, cert: certificate.cert, key: certificate.key } }),
    onRefused: () => service.refused('api-token'),
    limits: { ...hubLimits, ...limits },
    logger: log,
    figures: { request: ({ status }) => service.request(status), error: () => {} },
    head: true,
    audit: hub.audit,
    openFile: ({ method, url, headers }) =>
      answerPage(page, {
        method,
        url,
        acceptEncoding: headers['accept-encoding'] ?? '',
        ifNoneMatch: headers['if-none-match'] ?? '',
      }),
  });
  app.addHook('onClose', async () => {
    events[Symbol.dispose]();
    inquiries[Symbol.dispose]();
  });
  return app;
}
