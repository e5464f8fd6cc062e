/**
 * Writes docs/plans/ and docs/settings.md from `schemas/` and `plan-docs/pages/`. Run by `npm run docs`;
 * test/project/plan-docs.test.ts proves that they are current.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatted } from './formatted.ts';
import { pages } from './plan-docs/pages.ts';
import { renderPage } from './plan-docs/render-page.ts';

const root = join(import.meta.dirname, '../..');

/** File below the project's root -> what it must hold. */
export const generatePlanDocs = async (): Promise<ReadonlyMap<string, string>> =>
  new Map(
    await Promise.all(pages.map(async (page) => [page.file, await formatted(page.file, renderPage(page))] as const)),
  );

if (import.meta.main) {
  for (const [file, text] of await generatePlanDocs()) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    console.log(`wrote ${file}`);
  }
}
