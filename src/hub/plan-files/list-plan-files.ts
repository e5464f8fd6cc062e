import { lstatSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { relative } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { validateFiles } from '../../plan/validate-files.ts';
import type { HubPlanFiles } from '../../schemas/types.ts';
import { findPlanFiles, stampOf, type FoundFile } from '../schedule/find-plan-files.ts';

type Listed = HubPlanFiles['files'][number];

export interface ListedBy {
  /** Absolute. */
  readonly folder: string;
  /** Absolute: what plans are checked against. */
  readonly settingsFile: string;
  /** Names of nodes that plans may name without an entry in the settings. */
  enrolledNodes(): readonly string[];
}

/** Every plan file below the folder, checked. One that did not change since it was checked is not read again. */
export function listPlanFiles(by: ListedBy): () => Promise<Listed[]> {
  let known = new Map<string, Listed | null>();
  return async () => {
    const files = await findFiles(by.folder);
    const nodes = by.enrolledNodes();
    const mark = JSON.stringify([stampOf(by.settingsFile), nodes]);
    const found = new Map<string, Listed | null>();
    for (const file of files) {
      const key = `${file.path}\n${file.stamp}\n${mark}`;
      const before = known.get(key);
      if (before === undefined) await turn();
      found.set(key, before === undefined ? check(file, by, nodes) : before);
    }
    known = found;
    return [...found.values()].filter((one) => one !== null);
  };
}

async function findFiles(folder: string): Promise<readonly FoundFile[]> {
  try {
    return (await findPlanFiles(folder)).files;
  } catch (cause) {
    throw new SendenseError('file.unreadable', `the folder of the plans cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Null: it is no plan. */
function check({ path }: FoundFile, { folder, settingsFile }: ListedBy, nodes: readonly string[]): Listed | null {
  if (path === settingsFile) return null;
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (!facts) return null;
  const { files, diagnostics } = validateFiles([path], { config: settingsFile, enrolledNodes: () => nodes });
  const own = files.find(({ file }) => file === path);
  if (own?.kind === 'settings' || own?.kind === 'node settings') return null;
  const wrong = diagnostics.filter(({ file, severity }) => file === path && severity === 'error');
  return {
    file: relative(folder, path),
    plan: own?.name ?? null,
    kind: own?.kind ?? null,
    valid: own?.valid === true,
    problem: wrong[0] ? `${wrong[0].line}:${wrong[0].column}: ${wrong[0].message}` : null,
    link: facts.isSymbolicLink(),
    bytes: facts.size,
    modified: Math.round(facts.mtimeMs),
  };
}
