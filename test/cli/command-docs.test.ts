import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { schemaNames } from '../../src/plan/bundled-schema.ts';
import { docsFolder, generateCommandDocs } from '../tools/generate-command-docs.ts';
import { generateNodeDocs, nodeDocsFile } from '../tools/generate-node-docs.ts';

describe('docs/commands', () => {
  it('is what `node test/tools/generate-command-docs.ts` makes', async () => {
    const pages = await generateCommandDocs();
    expect(readdirSync(docsFolder).sort()).toEqual([...pages.keys()].sort());
    for (const [file, text] of pages) expect(readFileSync(join(docsFolder, file), 'utf8'), file).toBe(text);
  });

  it('links only to pages that exist', async () => {
    const pages = await generateCommandDocs();
    for (const [file, text] of pages) {
      for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
        if (!target.startsWith('../')) expect(pages.has(target), `${file} links to ${target}`).toBe(true);
      }
    }
  });
});

describe('docs/sendense-node.md', () => {
  it('is what `node test/tools/generate-node-docs.ts` makes', async () => {
    expect(readFileSync(nodeDocsFile, 'utf8')).toBe(await generateNodeDocs());
  });
});

describe('docs/json-output.md', () => {
  it('names every schema of what is printed', () => {
    const text = readFileSync(join(docsFolder, '../json-output.md'), 'utf8');
    for (const name of schemaNames().filter((each) => each.startsWith('output/')))
      expect(text).toContain(`\`${name}\``);
  });
});
