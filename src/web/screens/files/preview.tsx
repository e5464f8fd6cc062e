import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { FilesEntry } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { hubTrouble, type Trouble } from '../../client/ask.ts';
import type { OpenPoint } from '../../client/open-point.ts';
import { plainLines } from '../../design/text.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { pictureType } from './picture-type.ts';

export interface PreviewProps {
  readonly point: OpenPoint;
  readonly volume: string;
  readonly entry: FilesEntry;
}

/** So much of a text is shown, and so large may a picture be, bytes. */
const [textBytes, mostPicture] = [256 * 1024, 24 * 1024 * 1024];

type Seen =
  | { readonly kind: 'text'; readonly text: string; readonly whole: boolean }
  | { readonly kind: 'picture'; readonly url: string }
  | { readonly kind: 'none'; readonly why: string };

/** What is in a file: a text as text, a picture of a few plain kinds. Nothing of it is ever markup of this page. */
export function Preview({ point, volume, entry }: PreviewProps): JSX.Element {
  const seen = useSignal<Seen | undefined>(undefined);
  const trouble = useSignal<Trouble | undefined>(undefined);
  useEffect(() => {
    const gone = new AbortController();
    const read = async (): Promise<void> => {
      const found = await look({ point, volume, entry }, gone.signal);
      if ('code' in found) trouble.value = found;
      else if (!gone.signal.aborted) seen.value = found;
      else if (found.kind === 'picture') URL.revokeObjectURL(found.url);
    };
    read().catch((error: unknown) => {
      if (!gone.signal.aborted) trouble.value = silence(error as Error);
    });
    return () => {
      gone.abort();
      const found = seen.peek();
      if (found?.kind === 'picture') URL.revokeObjectURL(found.url);
    };
  }, [point, volume, entry]);
  const found = seen.value;
  if (trouble.value) return <TroubleNotice of={trouble.value} />;
  if (!found) return <p class="soft">Reading…</p>;
  if (found.kind === 'none') return <p class="soft">{found.why}</p>;
  if (found.kind === 'picture')
    return (
      <img class="picture" src={found.url} alt={`Content of ${entry.name}`} onError={() => (seen.value = noPicture)} />
    );
  return (
    <>
      {found.whole ? null : <p class="soft">The first {formatBytes(textBytes)}.</p>}
      <pre class="text-preview" tabIndex={0} role="region" aria-label="Content">
        {plainLines(found.text)}
      </pre>
    </>
  );
}

const silence = ({ message }: Error): Trouble => ({
  status: 500,
  code: 'files.cut-off',
  message: `the content broke off: ${message}`,
  remedy: 'Try again.',
  position: null,
});

const noPicture: Seen = { kind: 'none', why: 'It begins as a picture does, but your browser cannot show it.' };

async function look({ point, volume, entry }: PreviewProps, signal: AbortSignal): Promise<Seen | Trouble> {
  if (entry.size === 0) return { kind: 'none', why: 'The file is empty.' };
  const first = await bytesOf(point, { volume, path: entry.id, to: textBytes }, signal);
  if ('code' in first) return first;
  const type = pictureType(first);
  if (type !== null) {
    if (entry.size > mostPicture)
      return { kind: 'none', why: `A picture of more than ${formatBytes(mostPicture)}: download it.` };
    const whole =
      entry.size <= first.length ? first : await bytesOf(point, { volume, path: entry.id, to: entry.size }, signal);
    if ('code' in whole) return whole;
    return { kind: 'picture', url: URL.createObjectURL(new Blob([whole], { type })) };
  }
  if (first.subarray(0, 8192).includes(0))
    return { kind: 'none', why: 'It is neither text nor a picture that can be shown: download it.' };
  return { kind: 'text', text: new TextDecoder().decode(first), whole: entry.size <= first.length };
}

interface Part {
  readonly volume: string;
  readonly path: string;
  /** First byte that is not wanted. */
  readonly to: number;
}

async function bytesOf(
  point: OpenPoint,
  { volume, path, to }: Part,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | Trouble> {
  // A session that has ended is opened again.
  const alive = await point.ask('', { signal });
  if (alive.ok === false) return alive.trouble;
  const at = await point.open();
  if (typeof at !== 'string') return at;
  const query = new URLSearchParams({ volume, path }).toString();
  const response = await fetch(`${at}/download?${query}`, {
    headers: { range: `bytes=0-${to - 1}` },
    cache: 'no-store',
    signal,
  });
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : await hubTrouble(response);
}
