/** Writes the APIs of node and hub as OpenAPI documents. Run by `npm run docs`; test/api/documents.test.ts proves that they are current. */
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { openApiDocument } from '../../src/api/openapi.ts';
import { hubApi } from '../../src/hub/routes/index.ts';
import { nodeApi } from '../../src/node/routes/index.ts';
import { packageRoot, version } from '../../src/schemas/package.ts';
import { formatted } from './formatted.ts';

export const openApiFile = join(packageRoot, 'docs/openapi.json');
export const hubOpenApiFile = join(packageRoot, 'docs/hub-openapi.json');

/** The text of each file. */
export const generateOpenApi = async (): Promise<ReadonlyMap<string, string>> =>
  new Map([
    [openApiFile, await formatted(openApiFile, JSON.stringify(openApiDocument(nodeApi, version)))],
    [hubOpenApiFile, await formatted(hubOpenApiFile, JSON.stringify(openApiDocument(hubApi, version)))],
  ]);

if (import.meta.main) {
  for (const [file, text] of await generateOpenApi()) {
    writeFileSync(file, text);
    console.log(`wrote ${relative(process.cwd(), file)}`);
  }
}
