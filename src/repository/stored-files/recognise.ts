import { openRegular, readRegular } from '../../host/files/regular-file.ts';
import { lockedMagic } from '../../host/images/locked-file.ts';
import { backingNameOf } from '../../host/images/qcow2-header.ts';
import { parseJson } from '../../schemas/parse-json.ts';

export type OwnKind = 'image' | 'index' | 'vm-config' | 'marks' | 'part';

export interface OwnFile {
  readonly kind: OwnKind;
  /** Null: a temporary name that says of no restore point. */
  readonly backupId: string | null;
}

/** As `backupIdOf` makes them. */
const id = '([0-9]{8}T[0-9]{6}Z-[0-9a-z]{6})';
const context = '[^/]+';
const names: readonly (readonly [OwnKind, RegExp])[] = [
  ['image', new RegExp(`^${context}/disk-[0-9]+/${id}\\.qcow2$`)],
  ['index', new RegExp(`^${context}/disk-[0-9]+/${id}\\.index$`)],
  ['vm-config', new RegExp(`^${context}/${id}\\.vm-config$`)],
  ['marks', new RegExp(`^${context}/${id}\\.marks$`)],
  ['part', new RegExp(`^${context}/(?:disk-[0-9]+/)?${id}\\.(?:qcow2|index|json|vm-config|merge)\\.sendense-part$`)],
  ['part', new RegExp(`^(?:${context}/(?:disk-[0-9]+/)?)?\\.[0-9a-f-]{36}\\.sendense-part$`)],
];

/** What a file is by its path, relative to the repository; null: no name that Sendense gives. */
export function recogniseName(path: string): OwnFile | null {
  for (const [kind, pattern] of names) {
    const match = pattern.exec(path);
    if (match) return { kind, backupId: match[1] ?? null };
  }
  return null;
}

/** Whether its content is what its name says. A temporary file may hold anything. @param file absolute path */
export async function hasOwnContent(file: string, kind: OwnKind): Promise<boolean> {
  switch (kind) {
    case 'image':
      return (await backingNameOf(file)) !== undefined;
    case 'index':
      return ['\x89SBI\r\n\x1a\n', lockedMagic].includes(await firstBytes(file, 8));
    case 'vm-config':
      return (await firstBytes(file, 8)) === lockedMagic || (await formatOf(file)) === 'sendense-vm-config/1';
    case 'marks':
      return (await formatOf(file)) === 'sendense-point-marks/1';
    case 'part':
      return true;
  }
}

async function firstBytes(path: string, length: number): Promise<string> {
  await using file = await openRegular(path);
  const buffer = Buffer.alloc(length);
  await file.read(buffer, 0, length, 0);
  return buffer.toString('latin1');
}

async function formatOf(path: string): Promise<unknown> {
  try {
    return (parseJson((await readRegular(path)).toString('utf8')) as { format?: unknown } | null)?.format;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'EFBIG') return undefined;
    throw error;
  }
}
