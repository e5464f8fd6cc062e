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

/** `root path` of every key -> the pages that have a row for it. Forms that have a key of the same name may each have one, on one page. */
export function coverage(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const name of roots.keys()) for (const path of keysOfRoot(name).keys()) found.set(`${name} ${path}`, []);
  const shown = new Map<string, Key['written'][]>();
  for (const page of pages)
    for (const { path, keys } of rowsOfPage(page))
      for (const [name, { written }] of keys) {
        const [key, files] = [`${name} ${path}`, found.get(`${name} ${path}`)];
        const before = shown.get(key) ?? [];
        const isOtherForm = before.length > 0 && !before.includes(written) && files?.includes(page.file);
        if (!isOtherForm) files?.push(page.file);
        shown.set(key, [...before, written]);
      }
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
