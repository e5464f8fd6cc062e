import type { Readable } from 'node:stream';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Call } from '../../../api/route.ts';
import type { Answer } from '../../../files/protocol.ts';
import { shownName } from '../../../files/shown.ts';
import type { RestoreSelected, RestoreSelectionRequest } from '../../../schemas/types.ts';
import { settleAll } from '../../../restore-points/settle-all.ts';
import type { OpenFiles } from '../../files/open-files.ts';
import { archiveOf, description, formatOf, formatQuery, inParts, type Format } from './archive.ts';
import {
  aboutSession,
  defineRoute,
  pathOf,
  session,
  sessionOf,
  shownPath,
  transfer,
  workErrors,
  type FilesParts,
} from './route.ts';

/** Paths that the audit log has of one selection. */
const mostShown = 20;
/** Characters of them. */
const longestShown = 1000;

const pathsOf = ({ paths }: RestoreSelectionRequest): Record<string, string> => ({
  path: [...paths.slice(0, mostShown).map(shownPath), ...(paths.length > mostShown ? ['…'] : [])]
    .join(' ')
    .slice(0, longestShown),
});

export const downloadSelection = defineRoute<RestoreSelectionRequest>({
  id: 'downloadSelection',
  method: 'POST',
  path: '/api/v1/restore/{id}/selection',
  tag: 'restore',
  summary: 'Several files and folders of one volume as an archive',
  description: `As \`downloadDirectory\`. A path may be a link; it is not followed. ${description}`,
  about: aboutSession,
  params: session,
  body: { schema: 'hub/restore-selection.json', bytes: 4 * 1024 * 1024 },
  answers: { 200: { description: 'The archive.', type: 'application/x-tar' } },
  errors: workErrors,
  logOf: ({ volume }) => ({ volume }),
  auditOf: pathsOf,
  handle: (call) => selected(call, call.body.format ?? 'tar'),
});

/** For who can read the repository himself: to put the archive together there is several times as fast. Not a route of the hub's API. */
export const partsOfSelection = defineRoute<RestoreSelectionRequest>({
  id: 'partsOfSelection',
  method: 'POST',
  path: '/api/v1/restore/{id}/parts',
  tag: 'restore',
  summary: 'Several files and folders of one volume, as the parts of an archive',
  about: aboutSession,
  params: session,
  body: { schema: 'hub/restore-selection.json', bytes: 4 * 1024 * 1024 },
  answers: { 200: { description: 'The parts.', type: 'application/octet-stream' } },
  errors: workErrors,
  logOf: ({ volume }) => ({ volume }),
  auditOf: pathsOf,
  handle: (call) => selected(call, inParts),
});

export const addSelection = defineRoute<RestoreSelectionRequest>({
  id: 'addSelection',
  method: 'POST',
  path: '/api/v1/restore/{id}/selections',
  tag: 'restore',
  summary: 'Selects several files and folders of one volume, to be downloaded by GET',
  description:
    'Reads nothing yet. For who cannot save what a POST answers, as browsers. `format` is that of the download.',
  changes: false,
  logOf: ({ volume }) => ({ volume }),
  about: aboutSession,
  params: session,
  body: { schema: 'hub/restore-selection.json', bytes: 4 * 1024 * 1024 },
  answers: { 201: { description: 'The selection.', schema: 'hub/restore-selected.json' } },
  errors: ['files.session'],
  async handle(call): Promise<RestoreSelected> {
    const { body } = call;
    assertSelects(body);
    return { version: 1, id: sessionOf(call).selections.add(body) };
  },
});

export const downloadSelected = defineRoute({
  id: 'downloadSelected',
  method: 'GET',
  path: '/api/v1/restore/{id}/selections/{selection}',
  tag: 'restore',
  summary: 'What was selected, as an archive',
  description: `As \`downloadSelection\`. ${description}`,
  about: aboutSession,
  params: { ...session, selection: { description: 'Id of the selection.' } },
  query: { ...transfer, format: formatQuery('that of the selection') },
  answers: { 200: { description: 'The archive.', type: 'application/x-tar' } },
  errors: [...workErrors, 'files.selection'],
  async handle(call): Promise<Readable> {
    const { params, query } = call;
    const body = sessionOf(call).selections.one(params['selection'] ?? '');
    return selected({ ...call, body }, formatOf(query) ?? body.format ?? 'tar');
  },
});

/** @throws SendenseError `request.invalid` */
function assertSelects({ paths, folders = [] }: RestoreSelectionRequest): void {
  if (paths.length + folders.length === 0)
    throw new SendenseError('request.invalid', 'paths and folders name nothing', { details: { field: 'paths' } });
}

async function selected(
  call: Call<FilesParts, RestoreSelectionRequest>,
  format: Format | typeof inParts,
): Promise<Readable> {
  const { body } = call;
  const files = sessionOf(call);
  const { volume } = body;
  assertSelects(body);
  if (format === 'zip' && body.folders?.length)
    throw new SendenseError('request.invalid', 'folders without what is in them are for tar', {
      details: { field: 'folders' },
    });
  const asked = { volume, signal: call.signal };
  const found = await findAll(files, body.paths, asked);
  const alone = await findAll(files, body.folders ?? [], asked);
  const from = pathOf({ path: body.from ?? '' });
  const folder = Buffer.from(from, 'base64');
  const last = shownName(folder.subarray(folder.lastIndexOf('/') + 1));
  return archiveOf(files, call, { volume, found, alone, from, format, name: last || volume.replaceAll('/', '-') });
}

/** So many are looked for at a time: others ask the reader, too. */
const findAtOnce = 8;

/** What lies at these paths, in their order, unless the caller goes away. */
async function findAll(
  files: OpenFiles,
  paths: readonly string[],
  { volume, signal }: { readonly volume: string; readonly signal: AbortSignal },
): Promise<Answer<'stat'>[]> {
  const found: Answer<'stat'>[] = [];
  for (let at = 0; at < paths.length; at += findAtOnce) {
    const asks = paths.slice(at, at + findAtOnce).map((path) => ({ volume, path: pathOf({ path }) }));
    const some = asks.map((ask) => files.ask('stat', { ...ask, follow: false, bare: true }, { signal }));
    found.push(...(await settleAll(some)));
  }
  return found;
}
