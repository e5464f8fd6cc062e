import { createHash } from 'node:crypto';
import { lstatSync, type Stats } from 'node:fs';
import { join, relative } from 'node:path';
import { matches } from '../../api/etags.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { readRegularNow } from '../../host/files/regular-file.ts';
import { looksLikeSettings } from '../../plan/load-plan.ts';
import { parseDocument, valueOf } from '../../plan/yaml/parse-document.ts';
import { inFolderOf } from './open-below.ts';
import { listPlanFiles, type ListedBy } from './list-plan-files.ts';
import { partsOf, partsOfNew } from './plan-file-name.ts';
import type { PlanFileText, PlanFiles } from './plan-files.ts';
import { startableIn } from './startable-in.ts';
import { removeFile, writeNew, writeOver } from './write-plan-file.ts';

export interface PlanFilesOptions extends ListedBy {
  readonly editable: boolean;
}

/** Bytes, of a plan as of everything that is read as one. */
const mostBytes = 1024 * 1024;

/** The plan files below a folder. Each call does its work within one turn of the event loop, so that two saves never mix. */
export function managePlanFiles(options: PlanFilesOptions): PlanFiles {
  const { folder, settingsFile, editable } = options;
  const shown = (parts: readonly string[]): string => join(folder, ...parts);

  function assertPlan(file: string, text: string): void {
    if (join(folder, file) !== settingsFile && !isSettings(text)) return;
    throw new SendenseError('plan.file', `${file} holds settings, and is no plan`, { details: { field: 'file' } });
  }

  /** At a path that is held. */
  function readAt(file: string, path: string): PlanFileText & { readonly facts: Stats } {
    const bytes = bytesOf(path, shown(partsOf(file)));
    const text = decoded(bytes, file);
    assertPlan(file, text);
    return { file, text, version: versionOf(bytes), facts: lstatSync(path) };
  }

  /** @throws SendenseError `plan.changed` */
  function assertRead({ file, version }: PlanFileText, from: string): void {
    if (matches(from, version)) return;
    throw new SendenseError('plan.changed', `${file} was changed since you read it`, { details: { etag: version } });
  }

  const saved = (file: string, text: string): PlanFileText => ({ file, text, version: versionOf(Buffer.from(text)) });
  const listed = listPlanFiles(options);

  return {
    folder,
    editable,
    list: listed,
    async planNamed(name) {
      const [found, other] = (await listed()).filter(({ plan, valid }) => valid && plan === name);
      return found === undefined || other !== undefined
        ? undefined
        : startableIn(shown(partsOf(found.file)), settingsFile);
    },
    pathOf: (file) => shown(partsOf(file)),
    nameOf(path) {
      const file = relative(folder, path);
      try {
        return join(folder, ...partsOf(file)) === path ? file : null;
      } catch {
        return null;
      }
    },
    read: (file) => {
      const { facts: _, ...read } = inFolderOf(folder, partsOf(file), (path) => readAt(file, path));
      return read;
    },
    create(file, text) {
      const parts = partsOfNew(file);
      assertText(text);
      assertPlan(file, text);
      inFolderOf(folder, parts, (path) => writeNew(path, text, shown(parts)));
      return saved(file, text);
    },
    replace(file, text, { from }) {
      const parts = partsOf(file);
      assertText(text);
      assertPlan(file, text);
      inFolderOf(folder, parts, (path) => {
        const there = readAt(file, path);
        assertRead(there, from);
        if (there.text !== text) writeOver(path, text, there.facts, shown(parts));
      });
      return saved(file, text);
    },
    remove(file, { from }) {
      const parts = partsOf(file);
      inFolderOf(folder, parts, (path) => {
        assertRead(readAt(file, path), from);
        removeFile(path, shown(parts));
      });
    },
  };
}

const versionOf = (bytes: Uint8Array): string => `"${createHash('sha256').update(bytes).digest('base64url')}"`;

function isSettings(text: string): boolean {
  const { document, intact } = parseDocument({ file: '', text });
  return intact && looksLikeSettings(valueOf(document));
}

function bytesOf(path: string, shown: string): Buffer {
  try {
    return readRegularNow(path, mostBytes);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new SendenseError('plan.file', `${shown} is not there`, { cause, details: { field: 'file' } });
    const why =
      code === 'ELOOP'
        ? 'is a symbolic link, which is not followed'
        : code === 'EFBIG'
          ? 'is larger than 1 MiB'
          : `cannot be read (${code})`;
    throw new SendenseError('file.unreadable', `${shown} ${why}`, { cause, details: { field: 'file' } });
  }
}

/** The bytes as text from which the same bytes can be made. */
function decoded(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new SendenseError('file.unreadable', `${file} is not UTF-8 text`, { cause, details: { field: 'file' } });
  }
}

/** @throws SendenseError `request.invalid` */
function assertText(text: string): void {
  const wrong = !text.isWellFormed()
    ? 'the text has halves of characters'
    : Buffer.byteLength(text) > mostBytes
      ? 'the text is larger than 1 MiB'
      : null;
  if (wrong !== null) throw new SendenseError('request.invalid', wrong, { details: { field: 'text' } });
}
