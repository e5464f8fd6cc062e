import { catalogue } from '../errors/catalogue.ts';
import { schemaOf } from '../schemas/validator.ts';
import { errorsOf, statusOf } from './common-errors.ts';
import { componentSchemas } from './openapi-schemas.ts';
import {
  publicRight,
  type Answer,
  type Api,
  type Credential,
  type Parameter,
  type RequestBody,
  type Route,
} from './route.ts';

type Json = Record<string, unknown>;

const schemes: Readonly<Record<Credential, string>> = { 'token': 'token', 'one-time': 'ticket' };

/** The API as an OpenAPI 3.1 document: paths from its routes, components from `schemas/`. */
export function openApiDocument(api: Omit<Api<never>, 'name'>, version: string): Json {
  const schemas = componentSchemas(schemaOf);
  const paths: Record<string, Json> = {};
  for (const route of api.routes)
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route, api, schemas.ref);
  const tickets = api.routes.some(({ credentials }) => credentials?.includes('one-time'));
  return {
    openapi: '3.1.0',
    info: {
      title: api.title,
      version,
      summary: api.summary,
      description:
        'Times are milliseconds since 1970, sizes are bytes. Errors have one shape and the codes of docs/errors.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [api.server],
    security: [{ token: [] }],
    tags: Object.entries(api.tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: api.token },
        ...Object.fromEntries(
          Object.entries(api.tokensOfRights ?? {}).map(([right, description]) => [
            right,
            { type: 'http', scheme: 'bearer', description },
          ]),
        ),
        ...(tickets ? { ticket: { type: 'http', scheme: 'bearer', description: 'A ticket, good for one call.' } } : {}),
      },
      headers: { 'x-request-id': { description: "The request's id in the log.", schema: { type: 'string' } } },
      schemas: schemas.all(),
    },
  };
}

type Ref = (schema: string) => Json;

function operation(route: Route<never>, api: Pick<Api<never>, 'tokensOfRights'>, ref: Ref): Json {
  const { id, tag, summary, description, params = {}, query = {}, headers = {}, body } = route;
  const parameters = [
    ...Object.entries(params).map(([name, one]) => parameter(name, 'path', { ...one, required: true }, ref)),
    ...Object.entries(query).map(([name, one]) => parameter(name, 'query', one, ref)),
    ...Object.entries(headers).map(([name, one]) => parameter(name, 'header', one, ref)),
  ];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...securityOf(route, api),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: requestBody(body, ref) } : {}),
    responses: {
      ...Object.fromEntries(Object.entries(route.answers).map(([status, answer]) => [status, response(answer, ref)])),
      ...refusals(route, ref),
    },
  };
}

/** Who may call, where that is not who has the token; and the right that it takes. */
function securityOf(
  { credentials, right }: Route<never>,
  { tokensOfRights = {} }: Pick<Api<never>, 'tokensOfRights'>,
): Json {
  if (credentials !== undefined) return { security: credentials.map((one) => ({ [schemes[one]]: [] })) };
  if (right === undefined) return {};
  if (right === publicRight) return { security: [] };
  const own = Object.hasOwn(tokensOfRights, right) ? { security: [{ token: [] }, { [right]: [] }] } : {};
  return { ...own, 'x-right': right };
}

const parameter = (name: string, place: 'path' | 'query' | 'header', one: Parameter, ref: Ref): Json => ({
  name,
  in: place,
  required: one.required === true,
  description: one.description,
  schema: one.schema === undefined ? { type: 'string' } : ref(one.schema),
});

const requestBody = (body: RequestBody, ref: Ref): Json =>
  'stream' in body
    ? { required: true, description: body.stream, content: { 'application/octet-stream': {} } }
    : {
        required: true,
        description: `At most ${body.bytes / 1024} KiB.`,
        content: { 'application/json': { schema: ref(body.schema) } },
      };

const requestIdHeader = { 'x-request-id': { $ref: '#/components/headers/x-request-id' } };

function response({ description, schema, type }: Answer, ref: Ref): Json {
  const schemas = [schema ?? []].flat().map(ref);
  const media = schemas.length === 0 ? {} : { schema: schemas.length === 1 ? schemas[0] : { anyOf: schemas } };
  const content =
    schemas.length === 0 && type === undefined ? {} : { content: { [type ?? 'application/json']: media } };
  return { description, headers: requestIdHeader, ...content };
}

/** One answer for each status, with the codes that it comes with. */
function refusals(route: Route<never>, ref: Ref): Json {
  const codes = errorsOf(route).toSorted();
  const byStatus = Map.groupBy(codes, statusOf);
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([a], [b]) => a - b)
      .map(([status, each]) => [
        status,
        {
          description: each.map((code) => `\`${code}\`: ${catalogue[code].title}.`).join(' '),
          headers: {
            ...requestIdHeader,
            ...(status === 429
              ? { 'retry-after': { description: 'Seconds to wait.', schema: { type: 'integer' } } }
              : {}),
          },
          content: { 'application/json': { schema: ref('api/error.json') } },
        },
      ]),
  );
}
