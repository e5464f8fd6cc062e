import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { openApiDocument } from '../../src/api/openapi.ts';
import { catalogue } from '../../src/errors/catalogue.ts';
import { raw } from '../node/raw-request.ts';
import { codes, serveSmall, smallApi } from './small-api.ts';

interface Operation {
  readonly operationId: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: object;
    readonly explode?: boolean;
  }[];
  readonly requestBody?: { readonly content: object };
  readonly responses: Record<string, { readonly content?: object }>;
}

const document = openApiDocument(smallApi, '1.2.3') as unknown as {
  readonly info: object;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly securitySchemes: object };
};
const operation = (path: string, method: string): Operation | undefined => document.paths[path]?.[method];

test('the document of an API is OpenAPI 3.1 to a validator that is not ours', async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
  expect([validator.version, document.info]).toEqual(['3.1', expect.objectContaining({ version: '1.2.3' })]);
});

test('it has each route once, and nothing beside them', () => {
  const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((one) => one.operationId));
  expect(ids.toSorted()).toEqual(smallApi.routes.map(({ id }) => id).toSorted());
});

test('it says what parameters look like, and a request whose parameters look otherwise is refused', async () => {
  const { parameters = [] } = operation('/listed', 'get') ?? {};
  expect(parameters.map(({ name, schema, explode }) => [name, schema, explode])).toEqual([
    ['kind', { type: 'string', enum: ['one', 'other'] }, undefined],
    ['state', { type: 'array', minItems: 1, items: { type: 'string', enum: ['new', 'old'] } }, false],
    ['limit', { type: 'integer', minimum: 1, maximum: 20 }, undefined],
    ['at', { type: 'integer', minimum: -5, maximum: 5 }, undefined],
  ]);
  await using api = await serveSmall();
  const none = { kind: null, state: null, limit: 10, at: null };
  for (const [query, more] of [
    ['', {}],
    ['kind=one', { kind: 'one' }],
    ['state=new', { state: ['new'] }],
    ['state=old,new', { state: ['new', 'old'] }],
    ['limit=20', { limit: 20 }],
    ['at=-5', { at: -5 }],
    ['at=0', { at: 0 }],
  ] as const)
    expect((await raw<object>(api, 'GET', `/listed?${query}`)).body, query).toEqual({ ...none, ...more });
  for (const query of [
    'kind=',
    'kind=One',
    'kind=one,other',
    'state=',
    'state=new,',
    'state=new,neu',
    'limit=0',
    'limit=21',
    'limit=1e1',
    'limit=',
    'at=-6',
    'at=+1',
    'at=0x1',
    'at=1.0',
  ]) {
    const { status, body } = await raw(api, 'GET', `/listed?${query}`);
    expect([status, body.field], query).toEqual([400, query.split('=')[0]]);
  }
});

test('it says which parameters there are, where, and which must be there', () => {
  expect(operation('/things/{sha256}', 'get')?.parameters?.map((one) => [one.name, one.in, one.required])).toEqual([
    ['sha256', 'path', true],
    ['disk', 'query', true],
    ['note', 'query', false],
    ['x-must', 'header', true],
  ]);
});

test('it says who may call', () => {
  expect(document.components.securitySchemes).toHaveProperty('ticket');
  expect(operation('/ticket', 'get')?.security).toEqual([{ ticket: [] }]);
  expect(operation('/either', 'get')?.security).toEqual([{ token: [] }, { ticket: [] }]);
  expect(operation('/bytes', 'get')?.security).toBeUndefined();
});

test('it says what is answered, and every error under its status', () => {
  const statuses = new Set(codes.map((code) => String(catalogue[code].http)));
  expect(Object.keys(operation('/fails/{code}', 'post')?.responses ?? {})).toEqual(
    expect.arrayContaining(['204', ...statuses]),
  );
  expect(operation('/check', 'post')?.responses['201']?.content).toHaveProperty('application/json');
  expect(operation('/bytes', 'get')?.responses['200']?.content).toHaveProperty('application/octet-stream');
  expect(operation('/nothing', 'delete')?.responses['204']?.content).toBeUndefined();
  expect(operation('/bytes', 'put')?.requestBody?.content).toHaveProperty('application/octet-stream');
});
