import { run } from './programs.ts';

/** What blkid says of a device. */
export interface Content {
  /** Null: nothing that it knows. */
  readonly type: string | null;
  readonly label: string | null;
  readonly uuid: string | null;
  /** A partition table and nothing else. */
  readonly isTable: boolean;
  /** Signatures of several kinds: none is believed. */
  readonly isAmbivalent: boolean;
}

const ambivalent = 8;

/** By device. Source: blkid(8), low-level probing. */
export async function recognise(paths: readonly string[]): Promise<Map<string, Content>> {
  const contents = new Map<string, Content>();
  if (paths.length === 0) return contents;
  const take = (text: string): void => {
    for (const block of text.split('\n\n')) {
      const fields = new Map(block.split('\n').map((line) => split(line)));
      const path = fields.get('DEVNAME');
      if (path !== undefined) contents.set(path, contentOf(fields));
    }
  };
  // It ends with the first on which it recognises nothing: those behind it are asked for one by one.
  take((await run('blkid', ['-p', '-o', 'export', ...paths])).out.toString());
  for (const path of paths) {
    if (contents.has(path)) continue;
    const { status, out } = await run('blkid', ['-p', '-o', 'export', path]);
    take(out.toString());
    if (!contents.has(path)) contents.set(path, { ...contentOf(new Map()), isAmbivalent: status === ambivalent });
  }
  return contents;
}

const split = (line: string): [string, string] => {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), unescaped(line.slice(at + 1))];
};

/** blkid writes what could mislead a shell with a backslash before it. */
const unescaped = (value: string): string => value.replaceAll(/\\(.)/g, '$1');

const contentOf = (fields: ReadonlyMap<string, string>): Content => ({
  type: fields.get('TYPE') ?? null,
  label: fields.get('LABEL') ?? null,
  uuid: fields.get('UUID') ?? null,
  isTable: !fields.has('TYPE') && fields.has('PTTYPE'),
  isAmbivalent: false,
});
