import type { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { word, wordOf } from '../../../api/words.ts';
import type { AnswerHead, Call, Parameter } from '../../../api/route.ts';
import type { Answer } from '../../../files/protocol.ts';
import { leftOutTrailer, trailerOf } from '../../../files/client/wire.ts';
import { leftOutBytes } from '../../../files/protocol.ts';
import type { ArchiveOptions } from '../../../files/reader/archive.ts';
import type { OpenFiles } from '../../files/open-files.ts';
import { noBytes, streamOf } from './bytes.ts';
import { bytesOf, contentDisposition, inert, lastName } from './headers.ts';
import { transferred } from './transferred.ts';
import {
  aboutSession,
  readerOf,
  defineRoute,
  pathOf,
  place,
  session,
  sessionOf,
  transfer,
  workErrors,
  type FilesParts,
} from './route.ts';

export const archiveFormats = {
  'tar': 'application/x-tar',
  'tar.gz': 'application/gzip',
  'zip': 'application/zip',
} as const;
export type Format = keyof typeof archiveFormats;
const formats = Object.keys(archiveFormats) as readonly Format[];
/** How parts of an archive come, for who reads the files of the restore point himself (`files/archive/parts.ts`). */
export const inParts = 'parts';

/** @param usual where the request does not say */
export const formatQuery = (usual: string): Parameter => word(`Of the archive; default: ${usual}.`, formats);

export const formatOf = (query: Readonly<Record<string, string>>): Format | undefined =>
  wordOf(query, 'format', formats);

export const description = [
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
  about: aboutSession,
  params: session,
  query: { ...place, ...transfer, format: formatQuery('`tar`') },
  answers: { 200: { description: 'The archive.', type: 'application/x-tar' } },
  errors: workErrors,
  async handle(call): Promise<Readable> {
    const { query } = call;
    const files = sessionOf(call);
    const where = { volume: query['volume'] ?? '', path: pathOf(query) };
    const format = formatOf(query) ?? 'tar';
    const found = await files.ask('stat', { ...where, follow: false, bare: true });
    const name = lastName(found) || where.volume.replaceAll('/', '-');
    return archiveOf(files, call, { volume: where.volume, found: [found], alone: [], format, name });
  },
});

export interface Wanted {
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
export function archiveOf(
  files: OpenFiles,
  call: Pick<Call<FilesParts>, 'parts' | 'header' | 'isHead' | 'query'> & { readonly answer: AnswerHead },
  wanted: Wanted,
): Readable {
  const { answer, isHead } = call;
  const { volume, found, format } = wanted;
  for (const [name, value] of Object.entries(inert)) answer.header(name, value);
  if (format !== inParts) answer.header('content-disposition', contentDisposition(`${wanted.name}.${format}`));
  answer.type(format === inParts ? 'application/octet-stream' : archiveFormats[format]);
  if (isHead) return noBytes();
  const slot = files.enter('download');
  let left = '';
  answer.trailer(leftOutTrailer, () => left);
  const what = { ...readerOf(call), action: 'archive', volume } as const;
  const stream = streamOf(
    async (onBytes, signal) => {
      const [first = Buffer.alloc(0), ...others] = found.map(bytesOf);
      files.note(others.map((path) => ({ ...what, path })));
      const act = async (counted: typeof onBytes, count: (bytes: number) => void): Promise<readonly string[]> => {
        const taking = format === inParts ? { onBytes, inParts: count } : { onBytes: counted };
        const { said } = await writeArchive(files, wanted, { signal, ...taking });
        left = trailerOf(said.split('\n'), leftOutBytes);
        return said.split('\n').filter((line) => line !== '');
      };
      await transferred(files, { ...what, path: first, transfer: call.query['transfer'] }, act, onBytes);
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
  return zipOfFiles(files, { volume, found, from }, options);
}

function zipped(stream: Readable): Readable {
  const packed = createGzip({ level: 1 });
  stream.once('error', (error) => packed.destroy(error));
  packed.once('close', () => stream.destroy());
  return stream.pipe(packed);
}
