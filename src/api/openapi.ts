import { catalogue } from '../errors/catalogue.ts';
import { schemaOf } from '../schemas/validator.ts';
import { errorsOf, statusOf } from './common-errors.ts';
import { componentSchemas } from './openapi-schemas.ts';
import {
  answerHeaders,
  publicRight,
  type Answer,
  type AnswerHeader,
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
  const headers = {
    'x-request-id': { description: "The request's id in the log.", schema: { type: 'string' } },
    'retry-after': { description: 'Seconds to wait.', schema: { type: 'integer' } },
    'www-authenticate': { description: 'How to say who you are.', schema: { type: 'string' } },
    ...Object.fromEntries(
      Object.entries(answerHeaders).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
    ),
  };
  const referred = JSON.stringify(paths);
  return {
    openapi: '3.1.0',
    info: {
      title: api.title,
      version,
      summary: api.summary,
      description:
        'Times are milliseconds since 1970, sizes are bytes. Errors have one shape and the codes of docs/errors.md. A path that there is not is answered 404, another method of a path 405 with `Allow`. Parameters and fields that there are not are refused.',
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
      // What nothing refers to is left out.
      headers: Object.fromEntries(
        Object.entries(headers).filter(([name]) => referred.includes(`#/components/headers/${name}"`)),
      ),
      schemas: schemas.all(),
    },
  };
}

type Ref = (schema: string) => Json;

function operation(route: Route<never>, api: Pick<Api<never>, 'tokensOfRights' | 'etags' | 'locates'>, ref: Ref): Json {
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
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, answer]) => [
          status,
          response({ ...answer, headers: headersOf(Number(status), answer, route, api) }, ref),
        ]),
      ),
      ...(isTagged(route, api) ? { 304: response({ description: unchanged, headers: ['etag'] }, ref) } : {}),
      ...refusals(route, ref),
    },
  };
}

const unchanged = 'It is as it was (`If-None-Match`).';

/** Whether an API with ETags gives its answer one. */
const isTagged = ({ method, answers }: Route<never>, { etags }: Pick<Api<never>, 'etags'>): boolean =>
  etags === true && method === 'GET' && isJson(answers[200]);

const isJson = ({ schema, type }: Partial<Answer> = {}): boolean =>
  schema !== undefined || type?.startsWith('application/json') === true;

function headersOf(
  status: number,
  { headers = [] }: Answer,
  route: Route<never>,
  api: Pick<Api<never>, 'etags' | 'locates'>,
): readonly AnswerHeader[] {
  const own: AnswerHeader[] =
    status === 202 && api.locates === true ? ['location'] : status === 200 && isTagged(route, api) ? ['etag'] : [];
  return [...new Set([...own, ...headers])];
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
  ...formOf(one, ref),
});

function formOf({ schema, words, several, number }: Parameter, ref: Ref): Json {
  if (schema !== undefined) return { schema: ref(schema) };
  if (number) return { schema: { type: 'integer', minimum: number[0], maximum: number[1] } };
  if (!words) return { schema: { type: 'string' } };
  const word = { type: 'string', enum: words };
  return several === true
    ? { style: 'form', explode: false, schema: { type: 'array', minItems: 1, items: word } }
    : { schema: word };
}

const requestBody = (body: RequestBody, ref: Ref): Json =>
  'stream' in body
    ? { required: true, description: body.stream, content: { 'application/octet-stream': {} } }
    : {
        required: true,
        description: `At most ${body.bytes / 1024} KiB.`,
        content: { 'application/json': { schema: ref(body.schema) } },
      };

const headerRefs = (...names: readonly string[]): Json =>
  Object.fromEntries(['x-request-id', ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]));

function response({ description, schema, type, headers = [] }: Answer, ref: Ref): Json {
  const schemas = [schema ?? []].flat().map(ref);
  const media = schemas.length === 0 ? {} : { schema: schemas.length === 1 ? schemas[0] : { anyOf: schemas } };
  const content =
    schemas.length === 0 && type === undefined ? {} : { content: { [type ?? 'application/json']: media } };
  return { description, headers: headerRefs(...headers), ...content };
}

const headersOfRefusal: Readonly<Record<number, readonly string[]>> = {
  401: ['www-authenticate'],
  412: ['etag'],
  429: ['retry-after'],
};

/** What HTTP itself has a status for. */
const refusalsOfHttp = ({
  body,
  method,
}: Pick<Route<never>, 'body' | 'method'>): readonly (readonly [status: number, words: string])[] => [
  [408, 'The request did not come in time.'],
  [431, 'The head of the request is too long.'],
  ...(body
    ? ([
        ...('bytes' in body ? ([[413, 'The body is too long.']] as const) : []),
        [415, 'The body is of another type than is announced.'],
      ] as const)
    : method === 'GET'
      ? []
      : ([[415, 'There is a body, which is not wanted, of another type than JSON.']] as const)),
];

/** One answer for each status, with the codes that it comes with. */
function refusals(route: Route<never>, ref: Ref): Json {
  const codes = errorsOf(route).toSorted();
  const byStatus = new Map<number, string[]>();
  const add = (status: number, words: string): void =>
    void byStatus.set(status, [...(byStatus.get(status) ?? []), words]);
  for (const code of codes) add(statusOf(code), `\`${code}\`: ${catalogue[code].title}.`);
  for (const [status, words] of refusalsOfHttp(route)) add(status, `\`request.invalid\`: ${words}`);
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([a], [b]) => a - b)
      .map(([status, each]) => [
        status,
        {
          description: each.join(' '),
          headers: headerRefs(...(headersOfRefusal[status] ?? [])),
          content: { 'application/json': { schema: ref('api/error.json') } },
        },
      ]),
  );
}
