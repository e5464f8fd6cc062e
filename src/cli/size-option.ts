import { SendenseError } from '../errors/sendense-error.ts';
import { sizeBytes } from '../repository/stored-files/size.ts';

/** A size of the command line, bytes. @throws SendenseError `usage` */
export function sizeOption(flag: string, value: unknown): number {
  const text = String(value);
  if (/^[0-9]{1,9}(?:KiB|MiB|GiB|TiB)$/.test(text) && Number.isSafeInteger(sizeBytes(text))) return sizeBytes(text);
  throw new SendenseError('usage', `${flag} ${text} is not a size such as 512MiB or 4GiB`);
}
