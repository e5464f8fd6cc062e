import { SendenseError } from '../../../errors/sendense-error.ts';
import { parseJson } from '../../../schemas/parse-json.ts';
import type { ChangedAreas } from '../../../schemas/types.ts';
import type { DiskChanges } from '../../../sources/open-source.ts';
import { readNamedFile } from '../../../host/files/named-file.ts';

/** Of the changes of a disk: a million areas have about 40 MB. */
const mostBytes = 400 * 1024 * 1024;

/**
 * Reads what an outside tracker saw change (`schemas/changed-areas.json`) and checks that it can be about this disk.
 * @param capacity bytes of the disk
 * @throws SendenseError `source.unsupported`, `source.missing`
 */
export async function readChangedAreas(path: string, capacity: number): Promise<DiskChanges> {
  const document = await parse(path);
  if (document.capacity_bytes !== capacity) {
    throw bad(path, `it is about a disk of ${document.capacity_bytes} bytes; this one has ${capacity}`);
  }
  let end = 0;
  for (const [index, area] of document.areas.entries()) {
    if (area.offset < end)
      throw bad(path, `area ${index} starts at ${area.offset}, before the end of the one before it (${end})`);
    end = area.offset + area.length;
    if (end > capacity) throw bad(path, `area ${index} ends at ${end}, beyond the disk (${capacity} bytes)`);
  }
  return { changeId: document.change_id, since: document.since, areas: document.areas };
}

async function parse(path: string): Promise<ChangedAreas> {
  let document: unknown;
  try {
    document = parseJson((await readNamedFile(path, mostBytes)).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw bad(path, `it is not JSON: ${error.message}`);
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT')
      throw new SendenseError('source.missing', `the changes file ${path} does not exist`, { cause: error });
    throw new SendenseError('file.unreadable', `the changes file ${path} cannot be read (${code})`, { cause: error });
  }
  const { describeErrors, validatorOf } = await import('../../../schemas/validator.ts');
  const validate = validatorOf('changed-areas.json');
  if (!validate(document)) throw bad(path, describeErrors(validate.errors));
  return document as ChangedAreas;
}

const bad = (path: string, why: string): SendenseError =>
  new SendenseError('source.unsupported', `the changes file ${path} cannot be used: ${why}`, {
    remedy:
      'Correct the program that writes this file (schemas/changed-areas.json), or remove `changes` to find changes by digest.',
  });
