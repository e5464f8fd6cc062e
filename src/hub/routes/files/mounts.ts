import { localZone, parsePoint } from '../../../plan/times/point-words.ts';
import type {
  FilesMountsOutput,
  FilesOutput,
  RestoreMountRequest,
  RestoreTransfers,
  RestoreUnchanged,
  RestoreUnchangedRequest,
  RestoreUnlockRequest,
} from '../../../schemas/types.ts';
import type { OpenRequest } from '../../files/file-sessions.ts';
import { recorded } from './recorded.ts';
import { aboutSession, readerOf, defineRoute, filesOf, session, sessionOf } from './route.ts';

const requestOf = ({ vm, repository, point, identity }: RestoreMountRequest): OpenRequest => ({
  vm,
  repository,
  choice: parsePoint(point ?? 'latest', { now: Date.now(), zone: localZone }),
  identity,
});

const opened = { description: 'The restore point with its volumes.', schema: 'output/files.json' };

export const mountPoint = defineRoute<RestoreMountRequest>({
  id: 'mountRestorePoint',
  method: 'POST',
  path: '/api/v1/restore/mount',
  tag: 'restore',
  summary: 'Opens a restore point to read its files',
  description:
    'Nothing of the restore point is removed or merged while it is open. One that you have open already is answered again; each caller has its own. It ends by itself when nobody has read for an hour (`files: idle`).',
  about: ({ body }) => ({ vms: [body.vm] }),
  body: { schema: 'hub/restore-mount.json', bytes: 4096 },
  answers: { 201: opened },
  errors: [
    'point.unknown',
    'vm.identity',
    'chain.damaged',
    'repository.unusable',
    'repository.key',
    'files.reader',
    'files.limit',
    'tool.missing',
    'usage',
  ],
  logOf: ({ vm }) => ({ vm }),
  async handle(call): Promise<FilesOutput> {
    const files = await filesOf(call).open(requestOf(call.body));
    files.begin({ ...readerOf(call), action: 'open' })();
    return files.info();
  },
});

export const listMounts = defineRoute({
  id: 'listRestoreMounts',
  method: 'GET',
  path: '/api/v1/restore/mounts',
  tag: 'restore',
  summary: 'The restore points that you have open',
  description: 'Who may remove restore points also sees those that others have open, and may close them.',
  about: () => ({}),
  sift: (answer, sees) => {
    const { mounts, ...rest } = answer as FilesMountsOutput;
    return { ...rest, mounts: mounts.filter(({ vm }) => sees(vm)) };
  },
  answers: { 200: { description: 'The restore points.', schema: 'output/files-mounts.json' } },
  errors: [],
  handle: async (call): Promise<FilesMountsOutput> => ({
    version: 1,
    mounts: filesOf(call)
      .all()
      .map((files) => files.info()),
  }),
});

export const showMount = defineRoute({
  id: 'showRestoreMount',
  method: 'GET',
  path: '/api/v1/restore/{id}',
  tag: 'restore',
  summary: 'One restore point that is open',
  description: '`volume` opens that volume first, so that what is used and what became of its journal is known.',
  about: aboutSession,
  params: session,
  query: { volume: { description: 'Id of a volume.' } },
  answers: { 200: opened },
  errors: ['files.session', 'files.volume', 'files.reader'],
  async handle(call): Promise<FilesOutput> {
    const { query, signal } = call;
    const files = sessionOf(call);
    if (query['volume'] !== undefined) await files.ask('open', { volume: query['volume'] }, { signal });
    return files.info();
  },
});

export const unlockVolume = defineRoute<RestoreUnlockRequest>({
  id: 'unlockVolume',
  method: 'POST',
  path: '/api/v1/restore/{id}/unlock',
  tag: 'restore',
  summary: 'Opens an encrypted volume',
  description: 'LUKS. The passphrase goes to the reader and is kept nowhere. The volume is open to you alone.',
  about: aboutSession,
  params: session,
  body: { schema: 'hub/restore-unlock.json', bytes: 16_384 },
  answers: { 200: opened },
  errors: ['files.session', 'files.volume', 'files.locked', 'files.type', 'files.damaged', 'files.reader'],
  logOf: ({ volume }) => ({ volume }),
  async handle(call): Promise<FilesOutput> {
    const { body } = call;
    const files = sessionOf(call);
    await recorded(files, { ...readerOf(call), action: 'unlock', volume: body.volume }, () =>
      files.unlock(body.volume, body.passphrase),
    );
    return files.info();
  },
});

export const listTransfers = defineRoute({
  id: 'listTransfers',
  method: 'GET',
  path: '/api/v1/restore/{id}/transfers',
  tag: 'restore',
  summary: 'Downloads and archives of a restore point, and how they ended',
  description: 'An answer that has begun cannot say why it breaks off. Also of one that was closed lately.',
  about: aboutSession,
  params: session,
  answers: { 200: { description: 'The transfers.', schema: 'hub/restore-transfers.json' } },
  errors: ['files.session'],
  handle: async (call): Promise<RestoreTransfers> => ({
    version: 1,
    transfers: [...filesOf(call).transfers(call.params['id'] ?? '')],
  }),
});

export const closeMount = defineRoute({
  id: 'closeRestoreMount',
  method: 'DELETE',
  path: '/api/v1/restore/{id}',
  tag: 'restore',
  summary: 'Closes a restore point',
  about: aboutSession,
  params: session,
  answers: { 204: { description: 'It is closed.' } },
  errors: ['files.session'],
  async handle(call): Promise<undefined> {
    await filesOf(call).close(call.params['id'] ?? '');
    return undefined;
  },
});

export const unchanged = defineRoute<RestoreUnchangedRequest>({
  id: 'compareBlocks',
  method: 'POST',
  path: '/api/v1/restore/unchanged',
  tag: 'restore',
  summary: 'What is the same in two restore points, by their block indexes',
  description:
    'Reads no disk, and opens no restore point. Where both are open already, it also says which volumes are the same. Two restore points that are not said to be the same may still hold the same files.',
  changes: false,
  about: ({ body }) => ({ vms: [body.before.vm, body.after.vm] }),
  body: { schema: 'hub/restore-unchanged.json', bytes: 8192 },
  answers: { 200: { description: 'What is the same.', schema: 'hub/restore-unchanged-answer.json' } },
  errors: ['point.unknown', 'vm.identity', 'files.session', 'files.reader', 'files.busy', 'usage'],
  logOf: ({ after }) => ({ vm: after.vm }),
  async handle(call): Promise<RestoreUnchanged> {
    const { body, signal } = call;
    const found = await filesOf(call).compare(requestOf(body.before), requestOf(body.after), signal);
    return {
      version: 1,
      ...found,
      volumes: found.volumes && [...found.volumes],
      remarks: [...found.remarks],
    };
  },
});
