import { SendenseError } from '../../errors/sendense-error.ts';
import { countOption } from '../count-option.ts';
import { sinceOf } from '../since.ts';

type Options = Readonly<
  Partial<Record<'name' | 'iname' | 'type' | 'minSize' | 'maxSize' | 'newer' | 'older' | 'depth', string>>
>;

/** What the route `searchFiles` takes, of the options of `files find`. @throws SendenseError `usage` */
export function searchQuery(options: Readonly<Record<string, unknown>>, now = Date.now()): Record<string, string> {
  const { name, iname, type, minSize, maxSize, newer, older, depth } = options as Options;
  if (name !== undefined && iname !== undefined)
    throw new SendenseError('usage', '--name and --iname: say one of them');
  const pattern = name ?? iname;
  if (pattern?.includes('/') === true)
    throw new SendenseError('usage', `${pattern} is not the pattern of a name: it has a slash`, {
      remedy: 'A pattern fits the last name of a path. Name the folder as VOLUME:/FOLDER.',
    });
  return {
    ...(pattern === undefined ? {} : { name: pattern }),
    ...(iname === undefined ? {} : { ignoreCase: 'yes' }),
    ...(type === undefined ? {} : { type }),
    ...(minSize === undefined ? {} : { minSize: String(bytesOption('--min-size', minSize)) }),
    ...(maxSize === undefined ? {} : { maxSize: String(bytesOption('--max-size', maxSize)) }),
    ...(newer === undefined ? {} : { since: String(sinceOf(newer, now, '--newer')) }),
    ...(older === undefined ? {} : { until: String(sinceOf(older, now, '--older')) }),
    ...(depth === undefined ? {} : { depth: String(countOption('--depth', depth)) }),
  };
}

const units = ['', 'K', 'M', 'G', 'T'];

/** `4096`, `10M`, `1.5GiB`: bytes, the units of 1024. @throws SendenseError `usage` */
export function bytesOption(flag: string, text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?)([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  const bytes = Math.round(Number(number) * 1024 ** units.indexOf(unit.toUpperCase()));
  if (number !== '' && Number.isSafeInteger(bytes) && bytes < 1e15) return bytes;
  throw new SendenseError('usage', `${flag} ${text} is no size`, { remedy: 'Write bytes, or 10K, 1.5M, 2G.' });
}
