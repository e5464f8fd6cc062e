import type { Readable } from 'node:stream';
import { matches } from '../../../api/etags.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Answer } from '../../../files/protocol.ts';
import { noBytes, streamOf } from './bytes.ts';
import { bytesOf, contentDisposition, inert, lastName, rangeOf, tagOf } from './headers.ts';
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
} from './route.ts';

export const downloadFile = defineRoute({
  id: 'downloadFile',
  method: 'GET',
  path: '/api/v1/restore/{id}/download',
  tag: 'restore',
  summary: 'The content of a file',
  description:
    'A part of it with `Range`, one range. `ETag` changes with the restore point and the file. A transfer that breaks off has fewer bytes than `Content-Length` says. HEAD reads nothing of the file.',
  about: aboutSession,
  params: session,
  query: { ...place, ...transfer },
  headers: {
    'range': { description: '`bytes=0-1023`: one range.' },
    'if-range': { description: 'The `ETag` of before: where it is another one, the whole file comes.' },
    'if-none-match': { description: 'The `ETag` of before: where it is the same, nothing comes.' },
  },
  answers: {
    200: { description: 'The content.', type: 'application/octet-stream', headers: ['etag', 'content-disposition'] },
    206: {
      description: 'The part.',
      type: 'application/octet-stream',
      headers: ['etag', 'content-range', 'content-disposition'],
    },
    304: { description: 'It is the same file as before (`If-None-Match`).', headers: ['etag'] },
  },
  errors: [...workErrors, 'files.range'],
  async handle(call): Promise<Readable> {
    const { query, header, answer, isHead } = call;
    const files = sessionOf(call);
    const where = { volume: query['volume'] ?? '', path: pathOf(query) };
    const found = await files.ask('stat', { ...where, follow: true, bare: true, content: !isHead });
    if (found.type !== 'file') throw new SendenseError('files.type', `this is no regular file: ${found.type}`);
    const tag = tagOf(files.info().backup_id, found);
    for (const [name, value] of Object.entries(inert)) answer.header(name, value);
    answer.header('accept-ranges', 'bytes');
    answer.header('etag', tag);
    if (matches(header('if-none-match'), tag)) {
      answer.status(304);
      return noBytes();
    }
    const condition = header('if-range');
    // It is defined for GET alone (RFC 9110, 14.2).
    const isRanged = !isHead && (condition === null || condition === tag);
    const range = isRanged ? rangeOf(header('range'), found.size) : null;
    const [from, to] = range ?? [0, found.size];
    if (range) {
      answer.status(206);
      answer.header('content-range', `bytes ${from}-${to - 1}/${found.size}`);
    }
    answer.header('content-length', to - from);
    answer.header('content-disposition', contentDisposition(lastName(found)));
    if (isHead) return noBytes();
    const ask = { ...where, offset: from, length: to - from };
    const whole = contentIn(found);
    const named = { transfer: query['transfer'], volume: where.volume, path: bytesOf(found) };
    const what = { ...readerOf(call), action: 'download', ...named } as const;
    const read = (signal: AbortSignal) => async (onBytes: (bytes: Buffer) => Promise<void>) => {
      if (whole) {
        await onBytes(whole.subarray(from, to));
        return [];
      }
      const { bytes } = await files.read(ask, { onBytes, signal });
      if (bytes !== to - from) throw new SendenseError('files.damaged', `the file ends after ${from + bytes} bytes`);
      return [];
    };
    return streamOf((onBytes, signal) => transferred(files, what, read(signal), onBytes), {
      // What is here already is no work.
      slot: whole ? new DisposableStack() : files.enter('download'),
      closed: files.closed,
    });
  },
});

/** All of a small file comes with what is known of it. */
function contentIn({ content, size }: Answer<'stat'>): Buffer | null {
  const bytes = content === undefined ? null : Buffer.from(content, 'base64');
  return bytes?.length === size ? bytes : null;
}
