/** A restore point with every kind of volume, a folder of any size, and names that somebody chose to do harm. */
import type {
  FilesDifferenceOutput,
  FilesEntry,
  FilesListOutput,
  FilesOutput,
  FilesStatOutput,
  RestoreTransfers,
} from '../../src/schemas/types.ts';
import { bytesAnswer, failure, type World } from './stand-in.ts';
import { hostileNames, worldOf } from './worlds.ts';

/** Names as the hub shows them. */
export const shownNames = [
  ...hostileNames.map((name) => name.replaceAll('\u001b', '\\x1b').replaceAll('\u202e', '\\xe2\\x80\\xae')),
  'caf\\xe9',
  'new\\nline',
  'back\\\\slash',
];

const idOf = (path: string): string => Buffer.from(path).toString('base64url');

export const entryOf = (path: string, more: Partial<FilesEntry> = {}): FilesEntry => ({
  name: path.slice(path.lastIndexOf('/') + 1),
  id: idOf(path),
  type: 'file',
  size: 1536,
  allocated: 4096,
  mode: '0644',
  uid: 1000,
  gid: 1000,
  links: 1,
  inode: '12',
  mtime_ns: '1763400000000000000',
  ctime_ns: '1763400000000000000',
  atime_ns: '1763400000000000000',
  target: null,
  device: null,
  ...more,
});

const volume = (id: string, more: Partial<FilesOutput['volumes'][number]>): FilesOutput['volumes'][number] => ({
  id,
  type: 'ext4',
  bytes: 20 * 2 ** 30,
  label: null,
  uuid: null,
  state: 'readable',
  why: null,
  used: 7 * 2 ** 30,
  journal: 'replayed',
  notes: [],
  ...more,
});

const sessionOf = (now: number): FilesOutput => ({
  version: 1,
  id: 's1',
  vm: 'pg01',
  repository: 'primary',
  backup_id: 'p-5',
  created: now - 5 * 86_400_000,
  opened: now,
  opened_by: 'hub user maria',
  expires: now + 3_600_000,
  remark: null,
  reader: 'uml',
  volumes: [
    volume('disk-0p1', { type: 'vfat', label: 'EFI', bytes: 2 ** 29 }),
    volume('disk-0p2', { label: '<b>root</b>' }),
    volume('disk-0p3', { type: 'swap', state: 'swap', used: null, why: 'swap holds no files' }),
    volume('disk-0p4', { type: 'crypto_LUKS', state: 'encrypted', used: null, why: 'it takes a passphrase' }),
    volume('disk-1p2', { type: 'BitLocker', state: 'encrypted', used: null, why: 'BitLocker cannot be opened' }),
    volume('disk-1p3', { type: 'ntfs', notes: ['Windows is hibernated: what it had not written yet is missing'] }),
  ],
});

export interface FilesWorldOptions {
  readonly now: number;
  /** Names in the folder `many`. */
  readonly many?: number;
}

const root = [
  entryOf('etc', { type: 'folder', mode: '0755' }),
  entryOf('hostile', { type: 'folder' }),
  entryOf('many', { type: 'folder' }),
  entryOf('passwd', { size: 2000, mtime_ns: '1700000000000000000' }),
  entryOf('picture.png', { size: 300_000 }),
  entryOf('run', { type: 'link', target: '../../<script>' }),
  entryOf('zeros', { size: 5 }),
];

function folderOf(path: string, many: number): readonly FilesEntry[] {
  if (path === '') return root;
  if (path === 'many')
    return Array.from({ length: many }, (_, at) =>
      entryOf(`many/file-${String(at).padStart(6, '0')}`, {
        size: (at * 7919) % 100_003,
        type: at % 1000 === 7 ? 'folder' : 'file',
      }),
    );
  if (path === 'hostile')
    return shownNames.map((name, at) =>
      entryOf(`hostile/${at}`, { name, target: at === 0 ? name : null, type: at === 0 ? 'link' : 'file' }),
    );
  return [];
}

const lines = (...values: readonly object[]): object =>
  bytesAnswer(values.map((value) => `${JSON.stringify(value)}\n`).join(''), { 'content-type': 'application/jsonl' });

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const contents: Readonly<Record<string, Buffer>> = {
  'passwd': Buffer.from('root:x:0:0\n<script>alert(1)</script>\n\u202eevil\n'),
  'picture.png': png,
  'zeros': Buffer.alloc(5),
};

/** A hub with one VM whose files can be read; the session is `s1`. */
export function filesWorld({ now, many = 1000 }: FilesWorldOptions): World {
  const info = sessionOf(now);
  const transfers: RestoreTransfers['transfers'] = [];
  // A large folder is asked for page by page.
  const manyNames = folderOf('many', many);
  const namesIn = (path: string): readonly FilesEntry[] => (path === 'many' ? manyNames : folderOf(path, 0));
  const pathIn = (query: URLSearchParams): string => Buffer.from(query.get('path') ?? '', 'base64url').toString();
  return {
    ...worldOf({ now, vms: 1, names: ['pg01'] }),
    'POST /api/v1/restore/mount': () => info,
    'GET /api/v1/restore/mounts': () => ({ version: 1, mounts: [info] }),
    'GET /api/v1/restore/s1': () => info,
    'GET /api/v1/restore/s1/files': (query): FilesListOutput => {
      const path = pathIn(query);
      const all = namesIn(path);
      const after = query.get('after');
      const from = after === null ? 0 : Number(after);
      const to = from + Number(query.get('limit'));
      return {
        version: 1,
        volume: query.get('volume') ?? '',
        path: `/${path}`,
        id: idOf(path),
        total: all.length,
        entries: all.slice(from, to),
        unreadable: [],
        next: to < all.length ? String(to) : null,
      };
    },
    'GET /api/v1/restore/s1/stat': (query): FilesStatOutput | object => {
      const path = pathIn(query);
      const entry = [...root, ...folderOf('hostile', 0)].find(({ id }) => id === idOf(path));
      if (!entry) return failure(404, 'files.path', `there is no /${path}`, 'Look at the folder.');
      return { version: 1, volume: 'disk-0p2', path: `/${path}`, entry, xattrs: [], warnings: [] };
    },
    'GET /api/v1/restore/s1/search': (query) =>
      lines(
        entryOf('etc/nginx.conf', { name: `etc/${query.get('name')}.conf` }),
        entryOf('etc/conf.d', { name: 'etc/conf.d', type: 'folder' }),
        {
          seen: 4711,
          unreadable: ['/lost+found: EIO'],
        },
      ),
    'GET /api/v1/restore/compare': () => {
      const line = (change: FilesDifferenceOutput['change'], path: string): FilesDifferenceOutput => ({
        version: 1,
        volume: 'disk-0p2',
        path: `/${path}`,
        change,
        what: [],
        before: change === 'added' ? null : entryOf(path),
        after: change === 'removed' ? null : entryOf(path),
      });
      return lines(line('added', 'etc/new'), line('removed', 'etc/old'), line('changed', 'etc/fstab'), {
        seen: 12,
        unreadable: [],
      });
    },
    'GET /api/v1/restore/s1/download': (query) => {
      const path = pathIn(query);
      const content = contents[path] ?? Buffer.from(path);
      const transfer = query.get('transfer');
      if (transfer !== null)
        transfers.push({
          transfer,
          action: 'download',
          volume: 'disk-0p2',
          path: `/${path}`,
          begun: now,
          ended: now,
          bytes: content.length,
          error: null,
          left_out: [],
        });
      return bytesAnswer(content, {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="${path}"`,
        'content-security-policy': "sandbox; default-src 'none'",
      });
    },
    'POST /api/v1/restore/s1/selections': () => ({ version: 1, id: 'chosen' }),
    'GET /api/v1/restore/s1/selections/chosen': (query) => {
      const error = {
        code: 'files.damaged',
        message: 'the file ends after 5 bytes',
        remedy: 'Take another restore point.',
        position: null,
      };
      transfers.push({
        transfer: query.get('transfer'),
        action: 'archive',
        volume: 'disk-0p2',
        path: '/etc',
        begun: now,
        ended: now,
        bytes: 99,
        error,
        left_out: [],
      });
      return bytesAnswer('PK', {
        'content-type': 'application/zip',
        'content-disposition': 'attachment; filename="etc.zip"',
      });
    },
    'GET /api/v1/restore/s1/transfers': () => ({ version: 1, transfers }),
  };
}
