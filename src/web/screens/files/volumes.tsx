import type { JSX } from 'preact';
import type { FilesOutput } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import type { OpenPoint } from '../../client/open-point.ts';
import { Notice } from '../../design/notice.tsx';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Unlock } from './unlock.tsx';
import { atFolder, type Where } from '../../shell/files-place.ts';

type Volume = FilesOutput['volumes'][number];

const looks: Readonly<Record<Volume['state'], Look>> = {
  readable: { shape: 'check', tone: 'good', word: 'readable' },
  encrypted: { shape: 'bars', tone: 'warn', word: 'encrypted' },
  swap: { shape: 'dot', tone: 'idle', word: 'swap' },
  empty: { shape: 'ring', tone: 'idle', word: 'empty' },
  part: { shape: 'dot', tone: 'idle', word: 'part of another' },
  unsupported: { shape: 'slash', tone: 'warn', word: 'not supported' },
  damaged: { shape: 'cross', tone: 'bad', word: 'damaged' },
};

export interface VolumesProps {
  readonly point: OpenPoint;
  readonly info: FilesOutput;
  readonly where: Where;
}

/** What is on the disks: what can be read, and what cannot, with the reason. */
export function Volumes({ point, info, where }: VolumesProps): JSX.Element {
  const columns: readonly Column<Volume>[] = [
    {
      id: 'volume',
      title: 'Volume',
      cell: ({ id, state }) =>
        state === 'readable' ? (
          <a href={atFolder({ ...where, volume: id }, '')}>
            <Text of={id} />
          </a>
        ) : (
          <Text of={id} />
        ),
    },
    { id: 'state', title: 'State', cell: ({ state }) => <StatusMark look={looks[state]} /> },
    { id: 'type', title: 'Type', cell: ({ type }) => plain(type ?? '') },
    { id: 'label', title: 'Label', cell: ({ label }) => <Text of={label ?? ''} /> },
    { id: 'size', title: 'Size', cell: ({ bytes }) => formatBytes(bytes), numeric: true },
    { id: 'used', title: 'Used', cell: ({ used }) => (used === null ? '' : formatBytes(used)), numeric: true },
    {
      id: 'why',
      title: 'To know',
      cell: ({ why, notes }) => plain([why, ...notes].filter(Boolean).join('; ')),
      wide: true,
    },
    {
      id: 'unlock',
      title: '',
      cell: (volume) =>
        volume.type === 'crypto_LUKS' && volume.state === 'encrypted' ? (
          <Unlock point={point} volume={volume.id} />
        ) : (
          ''
        ),
    },
  ];
  const readable = info.volumes.some(({ state }) => state === 'readable');
  return (
    <section class="block" aria-labelledby="volumes">
      <h2 id="volumes">Volumes</h2>
      {readable ? null : (
        <Notice tone="warn">
          <strong>No volume of this restore point can be read as it is.</strong>
          <span>The table says why. An encrypted one of type LUKS opens with its passphrase.</span>
        </Notice>
      )}
      <Table caption="Volumes" columns={columns} rows={info.volumes} keyOf={({ id }) => id} />
    </section>
  );
}
