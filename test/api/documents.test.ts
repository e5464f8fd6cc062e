import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { documentOf } from '../../src/api/create-api.ts';
import type { Api } from '../../src/api/route.ts';
import { hubApi } from '../../src/hub/routes/index.ts';
import { nodeApi } from '../../src/node/routes/index.ts';
import { packageRoot } from '../../src/schemas/package.ts';
import { generateOpenApi, hubOpenApiFile, openApiFile } from '../tools/generate-openapi.ts';

interface Document {
  readonly paths: Record<string, Record<string, { readonly operationId: string; readonly tags: string[] }>>;
  readonly components: { readonly schemas: object };
}

describe.each([
  [relative(packageRoot, openApiFile), openApiFile, nodeApi as Api<never>],
  [relative(packageRoot, hubOpenApiFile), hubOpenApiFile, hubApi as Api<never>],
])('%s', (_name, file, api) => {
  const committed = readFileSync(file, 'utf8');
  const document = JSON.parse(committed) as Document;
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

  test('is current (npm run docs)', async () => {
    expect(committed).toBe((await generateOpenApi()).get(file));
  });

  test('is OpenAPI 3.1 to a validator that is not ours, and no reference leads nowhere', async () => {
    const validator = new Validator();
    expect(await validator.validate(committed)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    const names = new Set([...committed.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name));
    expect([...names].filter((name) => !Object.hasOwn(document.components.schemas, name ?? ''))).toEqual([]);
    expect(Object.keys(document.components.schemas).filter((name) => !names.has(name))).toEqual([]);
    expect(committed).not.toContain('"$ref": "..');
  });

  test('has every route of the list, each under an id and a path of its own, and under a tag that there is', () => {
    expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual(
      api.routes.map(({ id }) => id).toSorted(),
    );
    expect(new Set(api.routes.map(({ id }) => id)).size).toBe(api.routes.length);
    expect(new Set(api.routes.map(({ method, path }) => `${method} ${path}`)).size).toBe(api.routes.length);
    for (const { tags } of operations) expect(Object.keys(api.tags)).toEqual(expect.arrayContaining(tags));
  });
});

test('the document of an API is made once', async () => {
  const document = documentOf(hubApi as Api<never>, '1');
  const made = await document();
  expect(await document()).toBe(made);
  expect(JSON.parse(made.toString())).toMatchObject({ openapi: '3.1.0' });
});
