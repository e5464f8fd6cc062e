import type { JSX } from 'preact';
import type { FilesEntry } from '../../../schemas/types.ts';

type EntryType = FilesEntry['type'];

const words: Readonly<Record<EntryType, string>> = {
  file: 'file',
  folder: 'folder',
  link: 'link',
  fifo: 'pipe',
  socket: 'socket',
  char: 'device',
  block: 'device',
  unknown: 'cannot be read',
};

export const wordOf = (type: EntryType): string => words[type];

const drawings: Partial<Record<EntryType, JSX.Element>> = {
  folder: <path class="full" d="M1.5 3.5h4.6l1.6 1.8h6.8v7.6h-13Z" />,
  file: <path d="M3.5 1.5h6l3 3v10h-9Zm6 0v3h3" />,
  link: <path d="M4 12 12 4m0 0H6.5M12 4v5.5" />,
};

const other = <path d="M8 2.5 13.5 8 8 13.5 2.5 8Z" />;

/** What a name is: a shape, and its word for who listens. */
export const TypeIcon = ({ type }: { readonly type: EntryType }): JSX.Element => (
  <>
    <svg class="type-icon" viewBox="0 0 16 16" aria-hidden="true">
      {drawings[type] ?? other}
    </svg>
    <span class="only-read">{words[type]} </span>
  </>
);
