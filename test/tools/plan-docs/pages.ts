import { planKinds } from '../../../src/plan/diagnostics/schema-node.ts';
import { keysOfRoot, roots, type Key } from './schema-keys.ts';
import { isSame } from './key-table.ts';
import { rowsOfPage, type Page } from './render-page.ts';

export const pages: readonly Page[] = [
  { file: 'docs/plans/README.md', roots: [] },
  { file: 'docs/plans/backup.md', roots: ['backup', 'incremental', 'group'] },
  ...['incremental', 'group', 'restore', 'prune', 'verify', 'keep', 'boot'].map((kind) => ({
    file: `docs/plans/${kind}.md`,
    roots: [kind],
  })),
  { file: 'docs/plans/shared-keys.md', roots: planKinds(), namesKinds: true },
  { file: 'docs/settings.md', roots: ['settings'] },
];

/** `root path` of every key -> the pages that have a row for it. */
export function coverage(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const name of roots.keys()) for (const path of keysOfRoot(name).keys()) found.set(`${name} ${path}`, []);
  for (const page of pages)
    for (const { path, keys } of rowsOfPage(page))
      for (const name of keys.keys()) found.get(`${name} ${path}`)?.push(page.file);
  for (const [path, key] of keysOfRoot('group')) {
    const plain = plainKeyOf(path, key);
    if (plain !== undefined) found.get(`group ${path}`)?.push(...(found.get(`group ${plain}`) ?? []));
  }
  return found;
}

/** An override of a group has keys of the group itself, which are explained there. */
function plainKeyOf(path: string, key: Key): string | undefined {
  const plain = path.replace(/^overrides\[\]\./, '');
  const same = plain === path ? undefined : keysOfRoot('group').get(plain);
  return same && isSame(same, key) ? plain : undefined;
}
