import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Place } from '../../../files/reader/places.ts';
import type { RestorePlaces } from '../../../schemas/types.ts';
import { aboutSession, readerOf, defineRoute, pathOf, place, readErrors, session, sessionOf } from './route.ts';
import { tagOf } from './headers.ts';

/** More pieces than this are streamed. */
const mostPlaces = 100_000;

/** For who can read the repository itself: copying from there is several times as fast as a stream. Not a route of the hub's API. */
export const placesOfFile = defineRoute({
  id: 'placesOfFile',
  method: 'GET',
  path: '/api/v1/restore/{id}/places',
  tag: 'restore',
  summary: 'Where the content of a file lies',
  about: aboutSession,
  params: session,
  query: place,
  answers: { 200: { description: 'The places.', schema: 'hub/restore-places.json' } },
  errors: readErrors,
  async handle(call): Promise<RestorePlaces> {
    const { query, signal } = call;
    const files = sessionOf(call);
    const where = { volume: query['volume'] ?? '', path: pathOf(query) };
    const found = await files.ask('stat', { ...where, follow: true, bare: true }, { signal });
    if (found.type !== 'file') throw new SendenseError('files.type', `this is no regular file: ${found.type}`);
    const known = await files.places({ ...where, offset: 0, length: null }, signal);
    const told = known && known.size === found.size ? numbered(known.places) : null;
    const answer = { etag: tagOf(files.info().backup_id, found), size: found.size };
    if (!told) return { ...answer, files: [], places: null };
    const bytes = told.places.reduce((sum, { length }) => sum + length, 0);
    const path = Buffer.from(found.path, 'base64');
    files.begin({ ...readerOf(call), action: 'download', volume: where.volume, path })({ bytes });
    return { ...answer, ...told };
  },
});

/** Null where not all of it lies in files. */
function numbered(
  places: readonly Place[],
): (Pick<RestorePlaces, 'files'> & { places: NonNullable<RestorePlaces['places']> }) | null {
  if (places.length > mostPlaces) return null;
  const numbers = new Map<string, number>();
  const told: NonNullable<RestorePlaces['places']> = [];
  for (const { at, length, from } of places) {
    if (from.kind !== 'file') return null;
    const number = numbers.get(from.file) ?? numbers.size;
    numbers.set(from.file, number);
    told.push({ at, length, file: number, offset: from.offset });
  }
  return { files: [...numbers.keys()], places: told };
}
