import { firstLines } from '../first-lines.ts';

/** What a client and the routes about files agree on, beside their schemas. */

/** The folder of the socket is this user's alone: who reaches it may ask. */
export const keeperToken = 'reached';

/** Trailer of an archive: base64 of what `tar` said of files that it left out. */
export const leftOutTrailer = 'sendense-left-out';

/** curl gives up where a line of a trailer has more than 4096 bytes: so much fits into one in base64. Source: DYN_H1_TRAILER of curl. */
export const curlBytes = 3000;

/** Lines as the value of a trailer. @param most bytes of them that are kept; the last line says how many more there were */
export function trailerOf(lines: readonly string[], most: number): string {
  const kept = firstLines(most);
  for (const line of lines) kept.add(`${line}\n`);
  return Buffer.from(kept.all().join('\n')).toString('base64');
}

/** The lines that {@link trailerOf} has put into a value. */
export const linesOfTrailer = (value = ''): string[] =>
  Buffer.from(value, 'base64')
    .toString()
    .split('\n')
    .filter((line) => line !== '');
