import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { auditRefusals, type ApiAudit } from './audit.ts';
import { tagAnswers } from './etags.ts';
import type { ApiFigures } from './figures.ts';
import { registerRoutes } from './register.ts';
import { methodsOf } from './methods-of.ts';
import { logAnswers } from './request-log.ts';
import type { Api } from './route.ts';
import { makeServer, type ServerOptions } from './server.ts';

export interface ApiOptions<Parts> extends Omit<ServerOptions, 'name' | 'help' | 'methodsAt'> {
  readonly parts: Parts;
  readonly figures: ApiFigures;
  /** Where it writes down who changed what; default: nowhere. */
  readonly audit?: ApiAudit;
}

/** An API that does not listen yet. */
export type ApiServer = FastifyInstance;
export type ApiLogger = FastifyBaseLogger;

/** Makes an API of its routes: whoever may call is answered, every answer is counted and has a line in the log. */
export async function createApi<Parts>(api: Api<Parts>, options: ApiOptions<Parts>): Promise<ApiServer> {
  const { parts, figures, audit, ...server } = options;
  const methodsAt = methodsOf(api.routes, server.head === true);
  const app = await makeServer({ ...server, name: api.name, help: api.help, methodsAt });
  logAnswers(app, figures);
  if (api.etags === true) tagAnswers(app);
  if (audit) auditRefusals(app, audit);
  registerRoutes(app, api, { parts, audit });
  return app;
}

/** The API's OpenAPI document as JSON, made when it is asked for first: that takes longer than a hundred other answers. */
export function documentOf(api: Api<never>, version: string): () => Promise<Buffer> {
  const make = async (): Promise<Buffer> =>
    Buffer.from(JSON.stringify((await import('./openapi.ts')).openApiDocument(api, version)));
  let made: Promise<Buffer> | undefined;
  return () => (made ??= make());
}
