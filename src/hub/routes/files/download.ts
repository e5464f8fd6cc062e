import type { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { AnswerHead } from '../../../api/route.ts';
import type { Answer, Ask } from '../../../files/protocol.ts';
import { shownName } from '../../../files/shown.ts';
import type { RestoreSelectionRequest } from '../../../schemas/types.ts';
import type { OpenFiles } from '../../files/file-sessions.ts';
import { leftOutTrailer } from '../../files/keeper-socket.ts';
import { streamOf } from './bytes.ts';
import { contentDisposition, rangeOf } from './headers.ts';
import { recorded } from './recorded.ts';
import { defineRoute, pathOf, place, readErrors, session, type FilesParts } from './route.ts';

/** A backup holds other people's HTML: no browser may show or run it. */
const inert = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'",
  'cache-control': 'private, no-store',
} as const;

export const downloadFile = defineRoute({
  id: 'downloadFile',
  method: 'GET',
  path: '/api/v1/restore/{id}/download',
  tag: 'restore',
  summary: 'The content of a file',
  description: 'A part of it with `Range`, one range. `ETag` changes with the restore point and the file.',
  params: session,
  query: place,
  headers: {
    'range': { description: '`bytes=0-1023`: one range.' },
    'if-range': { description: 'The `ETag` of before: where it is another one, the whole file comes.' },
  },
  answers: {
    200: { description: 'The content.', type: 'application/octet-stream' },
    206: { description: 'The part.', type: 'application/octet-stream' },
  },
  errors: [...readErrors, 'files.range'],
  async handle({ parts, params, query, header, answer }): Promise<Readable> {
    const files = parts.files.one(params['id'] ?? '');
    const where = { volume: query['volume'] ?? '', path: pathOf(query) };
    const found = await files.ask('stat', { ...where, follow: true });
    if (found.type !== 'file') throw new SendenseError('files.type', `this is no regular file: ${found.type}`);
    const tag = `"${files.info().backup_id}-${found.inode}-${found.mtime}-${found.size}"`;
    const condition = header('if-range');
    const range = condition === null || condition === tag ? rangeOf(header('range'), found.size) : null;
    const [from, to] = range ?? [0, found.size];
    if (range) {
      answer.status(206);
      answer.header('content-range', `bytes ${from}-${to - 1}/${found.size}`);
    }
    for (const [name, value] of Object.entries(inert)) answer.header(name, value);
    answer.header('accept-ranges', 'bytes');
    answer.header('etag', tag);
    answer.header('content-length', to - from);
    answer.header('content-disposition', contentDisposition(lastName(found)));
    const ask = { ...where, offset: from, length: to - from };
    const what = { who: parts.caller, action: 'download', volume: where.volume, path: bytesOf(found) } as const;
    return streamOf((onBytes, signal) =>
      recorded(
        files,
        what,
        async (counted) => {
          const { bytes } = await files.read(ask, { onBytes: counted, signal });
          if (bytes !== to - from)
            throw new SendenseError('files.damaged', `the file ends after ${from + bytes} bytes`);
        },
        onBytes,
      ),
    );
  },
});

const saidHelp = `The trailer \`${leftOutTrailer}\` has, in base64, a line for each file that could not be read.`;

export const downloadFolder = defineRoute({
  id: 'downloadDirectory',
  method: 'GET',
  path: '/api/v1/restore/{id}/download-directory',
  tag: 'restore',
  summary: 'A folder, or a file, as an archive',
  description: `tar in the pax format, with owners, modes, times in nanoseconds, extended attributes, access control lists, links and holes. Sockets are left out. ${saidHelp}`,
  params: session,
  query: { ...place, format: { description: '`tar` (default) or `tar.gz`.' } },
  answers: { 200: { description: 'The archive.', type: 'application/x-tar' } },
  errors: readErrors,
  async handle({ parts, params, query, answer }): Promise<Readable> {
    const files = parts.files.one(params['id'] ?? '');
    const where = { volume: query['volume'] ?? '', path: pathOf(query) };
    const format = query['format'] ?? 'tar';
    if (format !== 'tar' && format !== 'tar.gz')
      throw new SendenseError('request.invalid', `format ${format} is neither tar nor tar.gz`, {
        details: { field: 'format' },
      });
    const found = await files.ask('stat', { ...where, follow: false });
    for (const [name, value] of Object.entries(inert)) answer.header(name, value);
    answer.header(
      'content-disposition',
      contentDisposition(`${lastName(found) || where.volume.replaceAll('/', '-')}.${format}`),
    );
    return archiveOf(files, parts.caller, { volume: where.volume, paths: [found.path] }, format, answer);
  },
});

export const downloadSelection = defineRoute<RestoreSelectionRequest>({
  id: 'downloadSelection',
  method: 'POST',
  path: '/api/v1/restore/{id}/selection',
  tag: 'restore',
  summary: 'Several files and folders of one volume as an archive',
  description: `As \`downloadDirectory\`. A path may be a link; it is not followed. ${saidHelp}`,
  params: session,
  body: { schema: 'hub/restore-selection.json', bytes: 4 * 1024 * 1024 },
  answers: { 200: { description: 'The archive.', type: 'application/x-tar' } },
  errors: readErrors,
  logOf: ({ volume }) => ({ volume }),
  async handle({ parts, params, body, answer }): Promise<Readable> {
    const files = parts.files.one(params['id'] ?? '');
    const { volume, format = 'tar' } = body;
    const paths: string[] = [];
    for (const path of body.paths)
      paths.push((await files.ask('stat', { volume, path: pathOf({ path }), follow: false })).path);
    for (const [name, value] of Object.entries(inert)) answer.header(name, value);
    answer.header('content-disposition', contentDisposition(`${volume.replaceAll('/', '-')}.${format}`));
    return archiveOf(files, parts.caller, { volume, paths }, format, answer);
  },
});

/** The archive as it is made; what was left out comes behind it. */
function archiveOf(
  files: OpenFiles,
  who: FilesParts['caller'],
  ask: Ask<'tar'>,
  format: 'tar' | 'tar.gz',
  answer: Pick<AnswerHead, 'type' | 'trailer'>,
): Readable {
  let left = '';
  answer.trailer(leftOutTrailer, () => left);
  const stream = streamOf(async (onBytes, signal) => {
    const [first = '', ...others] = ask.paths.map((path) => Buffer.from(path, 'base64'));
    const what = { who, action: 'archive', volume: ask.volume } as const;
    for (const path of others) files.record({ ...what, path });
    const { said } = await recorded(
      files,
      { ...what, path: Buffer.from(first) },
      (counted) => files.ask('tar', ask, { onBytes: counted, signal }),
      onBytes,
    );
    left = Buffer.from(said).toString('base64');
  });
  if (format === 'tar') return stream;
  answer.type('application/gzip');
  const packed = createGzip({ level: 1 });
  stream.once('error', (error) => packed.destroy(error));
  packed.once('close', () => stream.destroy());
  return stream.pipe(packed);
}

const bytesOf = ({ path }: Answer<'stat'>): Buffer => Buffer.from(path, 'base64');

const lastName = (found: Answer<'stat'>): string => {
  const bytes = bytesOf(found);
  return shownName(bytes.subarray(bytes.lastIndexOf('/') + 1));
};
