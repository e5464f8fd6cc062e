/** Writes `docs/openapi.json`, the node's API. Run by `npm run docs`; test/node/http/openapi.test.ts proves that it is current. */
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { openApiDocument } from '../../src/api/openapi.ts';
import { nodeApi } from '../../src/node/routes/index.ts';
import { packageRoot, version } from '../../src/schemas/package.ts';
import { formatted } from './formatted.ts';

export const openApiFile = join(packageRoot, 'docs/openapi.json');

export const generateOpenApi = async (): Promise<string> =>
  formatted(openApiFile, JSON.stringify(openApiDocument(nodeApi, version)));

if (import.meta.main) {
  writeFileSync(openApiFile, await generateOpenApi());
  console.log(`wrote ${relative(process.cwd(), openApiFile)}`);
}
