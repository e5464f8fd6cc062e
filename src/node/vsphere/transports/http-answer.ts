/** The head of an HTTP answer, as far as it bears on the question which bytes are sent. */
export interface HttpAnswer {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  /** Of the head, after the first one. */
  readonly lines: number;
}

/** No server that we know sends a head of more lines; whoever does could keep us busy with them. */
const mostLines = 500;

/** The answer with one line more of its head; null where that is none of an answer. */
export function readAnswer(before: HttpAnswer | null, line: string): HttpAnswer | null {
  const status = /^HTTP\/[0-9.]+ ([0-9]{3})(?: |$)/.exec(line)?.[1];
  if (status !== undefined) return { status: Number(status), fields: new Map(), lines: 0 };
  if (before === null) return null;
  const lines = before.lines + 1;
  if (lines > mostLines) return { ...before, lines };
  const at = line.indexOf(':');
  const name = line.slice(0, Math.max(at, 0)).trim().toLowerCase();
  // One that is said twice is not word for word what it should be.
  const value = [before.fields.get(name), line.slice(at + 1).trim()].filter((one) => one !== undefined).join(', ');
  return { status: before.status, fields: new Map([...before.fields, [name, value]]), lines };
}

/** Null where exactly these bytes (both inclusive) of a file of `size` bytes follow, as they are; else what comes instead. */
export function isExactPiece(
  { status, fields, lines }: HttpAnswer,
  { first, last, size }: { readonly first: number; readonly last: number; readonly size: number },
): string | null {
  if (status !== 206) return `answered with HTTP ${status} in its place`;
  if (lines > mostLines) return `sends a head of more than ${mostLines} lines`;
  const said = (name: string): string => (fields.get(name) ?? '').slice(0, 80);
  if (said('content-range') !== `bytes ${first}-${last}/${size}`)
    return `answered with '${said('content-range')}', where the file has ${size} bytes`;
  if (said('content-length') !== String(last - first + 1))
    return `sends ${said('content-length') || 'an unknown number of'} bytes`;
  const coded = ['content-encoding', 'transfer-encoding'].find((name) => !/^(identity)?$/i.test(said(name)));
  return coded === undefined ? null : `sends them in another form (${coded}: ${said(coded)})`;
}
