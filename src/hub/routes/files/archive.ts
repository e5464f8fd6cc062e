import type { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { AnswerHead, Call } from '../../../api/route.ts';
import type { Answer } from '../../../files/protocol.ts';
import type { RestoreSelectionRequest } from '../../../schemas/types.ts';
import { leftOutTrailer, trailerOf } from '../../../files/client/wire.ts';
import { leftOutBytes } from '../../../files/protocol.ts';
import type { ArchiveOptions } from '../../../files/reader/archive.ts';
import { settleAll } from '../../../restore-points/settle-all.ts';
import type { OpenFiles } from '../../files/open-files.ts';
import { noBytes, streamOf } from './bytes.ts';
import { bytesOf, contentDisposition, inert, lastName } from './headers.ts';
import { recorded } from './recorded.ts';
import { callerOf, defineRoute, pathOf, place, workErrors, session, type FilesParts } from './route.ts';

const formats = { 'tar': 'application/x-tar', 'tar.gz': 'application/gzip', 'zip': 'application/zip' } as const;
type Format = keyof typeof formats;
/** How parts of an archive come, for who reads the files of the restore point himself (`files/archive/parts.ts`). */
const inParts = 'parts';

const isFormat = (text: string): text is Format => Object.hasOwn(formats, text);

const description = [
  'tar is in the pax format, with owners, modes, times in nanoseconds, extended attributes, access control lists, links and holes. Sockets are left out.',
  'zip has modes, links and times in seconds; pipes, sockets and devices are left out, and a file with several names comes several times. A name that is not UTF-8, or that unpackers read in different ways, is written with `%E9` for a byte; the entry `_names.json` says which names these are, with their bytes in base64.',
  `The trailer \`${leftOutTrailer}\` has, in base64, a line for each file that could not be read; where there are many, the last line says how many more. An archive that breaks off has no end.`,
].join(' ');

export const downloadFolder = defineRoute({
  id: 'downloadDirectory',
  method: 'GET',
  path: '/api/v1/restore/{id}/download-directory',
  tag: 'restore',
  summary: 'A folder, or a file, as an archive',
  description,
  params: session,
  query: { ...place, format: { description: '`tar` (default), `tar.gz` or `zip`.' } },
  answers: { 200: { description: 'The archive.', type: 'application/x-tar' } },
  errors: workErrors,
  async handle(call): Promise<Readable> {
    const { parts, params, query } = call;
    const files = parts.files.one(params['id'] ?? '');
    const where = { volume: query['volume'] ?? '', path: pathOf(query) };
    const format = query['format'] ?? 'tar';
    if (!isFormat(format))
      throw new SendenseError('request.invalid', `format ${format} is none of ${Object.keys(formats).join(', ')}`, {
        details: { field: 'format' },
      });
    const found = await files.ask('stat', { ...where, follow: false, bare: true });
    const name = lastName(found) || where.volume.replaceAll('/', '-');
    return archiveOf(files, call, { volume: where.volume, found: [found], alone: [], format, name });
  },
});

export const downloadSelection = defineRoute<RestoreSelectionRequest>({
  id: 'downloadSelection',
  method: 'POST',
  path: '/api/v1/restore/{id}/selection',
  tag: 'restore',
  summary: 'Several files and folders of one volume as an archive',
  description: `As \`downloadDirectory\`. A path may be a link; it is not followed. ${description}`,
  params: session,
  body: { schema: 'hub/restore-selection.json', bytes: 4 * 1024 * 1024 },
  answers: { 200: { description: 'The archive.', type: 'application/x-tar' } },
  errors: workErrors,
  logOf: ({ volume }) => ({ volume }),
  handle: (call) => selected(call, call.body.format ?? 'tar'),
});

/** For who can read the repository himself: to put the archive together there is several times as fast. Not a route of the hub's API. */
export const partsOfSelection = defineRoute<RestoreSelectionRequest>({
  id: 'partsOfSelection',
  method: 'POST',
  path: '/api/v1/restore/{id}/parts',
  tag: 'restore',
  summary: 'Several files and folders of one volume, as the parts of an archive',
  params: session,
  body: { schema: 'hub/restore-selection.json', bytes: 4 * 1024 * 1024 },
  answers: { 200: { description: 'The parts.', type: 'application/octet-stream' } },
  errors: workErrors,
  logOf: ({ volume }) => ({ volume }),
  handle: (call) => selected(call, inParts),
});

async function selected(
  call: Call<FilesParts, RestoreSelectionRequest>,
  format: Format | typeof inParts,
): Promise<Readable> {
  const { parts, params, body } = call;
  const files = parts.files.one(params['id'] ?? '');
  const { volume } = body;
  if (body.paths.length + (body.folders ?? []).length === 0)
    throw new SendenseError('request.invalid', 'paths and folders name nothing', { details: { field: 'paths' } });
  if (format === 'zip' && body.folders?.length)
    throw new SendenseError('request.invalid', 'folders without what is in them are for tar', {
      details: { field: 'folders' },
    });
  if (format === 'zip' && body.from !== undefined)
    throw new SendenseError('request.invalid', 'names that begin below a folder are for tar', {
      details: { field: 'from' },
    });
  const asked = { volume, signal: call.signal };
  const found = await findAll(files, body.paths, asked);
  const alone = await findAll(files, body.folders ?? [], asked);
  const from = pathOf({ path: body.from ?? '' });
  return archiveOf(files, call, { volume, found, alone, from, format, name: volume.replaceAll('/', '-') });
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

interface Wanted {
  readonly volume: string;
  readonly found: readonly Answer<'stat'>[];
  /** Folders without what is in them. */
  readonly alone: readonly Answer<'stat'>[];
  /** Folder below which names begin; default: the root. */
  readonly from?: string;
  readonly format: Format | typeof inParts;
  /** Of the archive, without what the format adds. */
  readonly name: string;
}

/** The archive as it is made; what was left out comes behind it. */
function archiveOf(
  files: OpenFiles,
  call: Pick<Call<FilesParts>, 'parts' | 'header' | 'isHead'> & { readonly answer: AnswerHead },
  wanted: Wanted,
): Readable {
  const { answer, isHead } = call;
  const { volume, found, format } = wanted;
  for (const [name, value] of Object.entries(inert)) answer.header(name, value);
  if (format !== inParts) answer.header('content-disposition', contentDisposition(`${wanted.name}.${format}`));
  answer.type(format === inParts ? 'application/octet-stream' : formats[format]);
  if (isHead) return noBytes();
  const slot = files.enter('download');
  let left = '';
  answer.trailer(leftOutTrailer, () => left);
  const what = { who: callerOf(call), action: 'archive', volume } as const;
  const stream = streamOf(
    async (onBytes, signal) => {
      const [first = Buffer.alloc(0), ...others] = found.map(bytesOf);
      files.note(others.map((path) => ({ ...what, path })));
      const act = (counted: typeof onBytes, count: (bytes: number) => void): Promise<{ readonly said: string }> =>
        writeArchive(files, wanted, {
          signal,
          ...(format === inParts ? { onBytes, inParts: count } : { onBytes: counted }),
        });
      const { said } = await recorded(files, { ...what, path: first }, act, onBytes);
      left = trailerOf(said.split('\n'), leftOutBytes);
    },
    { slot, closed: files.closed },
  );
  return format === 'tar.gz' ? zipped(stream) : stream;
}

async function writeArchive(
  files: OpenFiles,
  { volume, found, alone, from = '', format }: Wanted,
  options: Pick<ArchiveOptions, 'inParts'> & {
    readonly signal: AbortSignal;
    onBytes(bytes: Buffer): Promise<void>;
  },
): Promise<{ readonly said: string }> {
  const pathsOf = (all: readonly Answer<'stat'>[]): string[] => all.map(({ path }) => path);
  if (format !== 'zip') return files.archive({ volume, paths: pathsOf(found), folders: pathsOf(alone), from }, options);
  const { zipOfFiles } = await import('../../files/zip/zip-of-files.ts');
  return zipOfFiles(files, { volume, found }, options);
}

function zipped(stream: Readable): Readable {
  const packed = createGzip({ level: 1 });
  stream.once('error', (error) => packed.destroy(error));
  packed.once('close', () => stream.destroy());
  return stream.pipe(packed);
}
