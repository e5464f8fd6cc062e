import { signal } from '@preact/signals';
import type { RestoreSelected, RestoreSelectionRequest, RestoreTransfers } from '../../schemas/types.ts';
import { ask, newRepeatKey, type Trouble } from './ask.ts';
import type { OpenPoint } from './open-point.ts';

type Transfer = RestoreTransfers['transfers'][number];

/** Something that the browser saves. */
export interface Download {
  readonly key: string;
  /** For people. */
  readonly name: string;
  /** What the hub says of it; undefined: nothing yet. */
  readonly transfer: Transfer | undefined;
  /** Why it did not begin. */
  readonly trouble: Trouble | undefined;
}

/** The newest first. */
export const downloads = signal<readonly Download[]>([]);

/** What the reader does not want to see any more. */
export const dismiss = (key: string): void =>
  void (downloads.value = downloads.peek().filter((one) => one.key !== key));

/** Saves the content of a file. */
export const downloadFile = (point: OpenPoint, name: string, place: { volume: string; path: string }): Promise<void> =>
  begin(point, name, async () => `download?${new URLSearchParams(place).toString()}`);

export type ArchiveFormat = NonNullable<RestoreSelectionRequest['format']>;

/** Saves all of a folder as an archive. */
export const downloadFolder = (
  point: OpenPoint,
  name: string,
  place: { readonly volume: string; readonly path: string; readonly format: ArchiveFormat },
): Promise<void> => begin(point, name, async () => `download-directory?${new URLSearchParams(place).toString()}`);

/** Saves what was selected as an archive. */
export const downloadSelection = (point: OpenPoint, name: string, body: RestoreSelectionRequest): Promise<void> =>
  begin(point, name, async () => {
    const answer = await point.ask<RestoreSelected>('selections', { method: 'POST', body });
    if (answer.ok === true) return `selections/${answer.body.id}?`;
    return answer.ok === false ? answer.trouble : unasked;
  });

/** How often to ask how a download goes, ms; one that is not known after so many times did not begin. */
const [everyMs, mostSilent] = [1000, 8];

async function begin(point: OpenPoint, name: string, placeOf: () => Promise<string | Trouble>): Promise<void> {
  const key = newRepeatKey();
  downloads.value = [{ key, name, transfer: undefined, trouble: undefined }, ...downloads.peek()].slice(0, 20);
  // A session that has ended is opened again before the browser asks: it would save the error in place of the file.
  const alive = await point.ask('');
  const place = alive.ok === false ? alive.trouble : await placeOf();
  const at = await point.open();
  if (typeof place !== 'string') return tell(key, { trouble: place });
  if (typeof at !== 'string') return tell(key, { trouble: at });
  const link = document.createElement('a');
  link.href = `${at}/${place}&transfer=${key}`;
  link.download = '';
  link.click();
  await watch(key, at);
}

async function watch(key: string, at: string): Promise<void> {
  for (let silent = 0; silent < mostSilent && isKept(key);) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    const answer = await ask<RestoreTransfers>(`${at}/transfers`);
    const transfer = answer.ok === true ? answer.body.transfers.findLast((one) => one.transfer === key) : undefined;
    if (transfer) tell(key, { transfer });
    if (transfer?.ended != null) return;
    silent = transfer ? 0 : silent + 1;
  }
  tell(key, { trouble: notBegun });
}

const isKept = (key: string): boolean => downloads.peek().some((one) => one.key === key);

const tell = (key: string, said: Partial<Pick<Download, 'transfer' | 'trouble'>>): void =>
  void (downloads.value = downloads.peek().map((one) => (one.key === key ? { ...one, ...said } : one)));

const notBegun: Trouble = {
  status: 500,
  code: 'files.busy',
  message: 'the hub knows nothing of this download',
  remedy: 'Your browser may have refused it, or too many downloads go on. Wait until one has ended, and try again.',
  position: null,
};

const unasked: Trouble = {
  status: 0,
  code: 'hub.silent',
  message: 'the hub answered nothing',
  remedy: '',
  position: null,
};
