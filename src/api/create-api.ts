import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { tagAnswers } from './etags.ts';
import type { ApiFigures } from './figures.ts';
import { registerRoutes } from './register.ts';
import { logAnswers } from './request-log.ts';
import type { Api } from './route.ts';
import { makeServer, type ServerOptions } from './server.ts';

export interface ApiOptions<Parts> extends Omit<ServerOptions, 'name' | 'help'> {
  readonly parts: Parts;
  readonly figures: ApiFigures;
  /** JSON answers have ETags. */
  readonly etags?: boolean;
}

/** An API that does not listen yet. */
export type ApiServer = FastifyInstance;
export type ApiLogger = FastifyBaseLogger;

/** Makes an API of its routes: whoever may call is answered, every answer is counted and has a line in the log. */
export async function createApi<Parts>(api: Api<Parts>, options: ApiOptions<Parts>): Promise<ApiServer> {
  const { parts, figures, etags, ...server } = options;
  const app = await makeServer({ ...server, name: api.name, help: api.help });
  logAnswers(app, figures);
  if (etags) tagAnswers(app);
  registerRoutes(app, api, parts);
  return app;
}

/** Makes the API's OpenAPI document when it is asked for, which is seldom. */
export const documentOf =
  (api: Api<never>, version: string): (() => Promise<object>) =>
  async () =>
    (await import('./openapi.ts')).openApiDocument(api, version);
