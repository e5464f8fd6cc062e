import type { EntryType } from '../protocol.ts';
import { readFolder, typeOfName } from './tree.ts';

export interface Name {
  readonly name: Buffer;
  /** Null: the file system does not say it with the name. */
  readonly type: EntryType | null;
}

export interface Names {
  /** By their bytes, each once. */
  readonly names: readonly Name[];
  /** Those that the folder has more than once: its file system is damaged. */
  readonly doubled: readonly Buffer[];
}

/** The names in a folder that is open. */
export function namesIn(folder: number): Names {
  const names: Name[] = [];
  const doubled: Buffer[] = [];
  for (const entry of readFolder(folder)) {
    const isSame = names.at(-1)?.name.equals(entry.name) ?? false;
    if (!isSame) names.push({ name: entry.name, type: typeOfName(entry) });
    else if (doubled.at(-1)?.equals(entry.name) !== true) doubled.push(entry.name);
  }
  return { names, doubled };
}
