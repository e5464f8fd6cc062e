import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { nodeApi } from '../../../src/node/routes/index.ts';
import { generateOpenApi, openApiFile } from '../../tools/generate-openapi.ts';
import { ask, raw } from '../raw-request.ts';
import { testNode, workshop } from '../support.ts';

const committed = readFileSync(openApiFile, 'utf8');

interface Document {
  readonly paths: Record<string, Record<string, { operationId: string; responses: Record<string, object> }>>;
}

test('docs/openapi.json is current (npm run docs)', async () => {
  expect(committed).toBe(await generateOpenApi());
});

test('it is OpenAPI 3.1 to a validator that is not ours, and no reference leads nowhere', async () => {
  const validator = new Validator();
  expect(await validator.validate(committed)).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const document = JSON.parse(committed) as { components: { schemas: object } };
  const names = new Set([...committed.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name));
  expect([...names].filter((name) => !Object.hasOwn(document.components.schemas, name ?? ''))).toEqual([]);
  expect(Object.keys(document.components.schemas).filter((name) => !names.has(name))).toEqual([]);
  expect(committed).not.toContain('"$ref": "..');
});

test('the node serves it, to who has the token', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  expect(await ask(node, 'GET', '/api/v1/openapi.json')).toEqual(JSON.parse(committed));
  expect((await raw(node, 'GET', '/api/v1/openapi.json', '', { authorization: '' })).status).toBe(401);
});

test('every operation of it is answered by the node, and nothing beside them', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const document = JSON.parse(committed) as Document;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, responses }]) => ({ path, method, operationId, responses })),
  );
  expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual(
    nodeApi.routes.map(({ id }) => id).toSorted(),
  );
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  for (const { path, method, responses } of operations) {
    const { status, body } = await raw<{ error?: { message: string } } | null>(
      node,
      method.toUpperCase(),
      path.replaceAll(/\{\w+\}/g, 'x'),
      method === 'post' ? '{}' : '',
    );
    expect(body?.error?.message ?? '').not.toContain('the node has no');
    // What is answered is what the document announces.
    expect([status, Object.keys(responses)]).toEqual([status, expect.arrayContaining([String(status)])]);
  }
});
