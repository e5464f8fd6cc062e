import type { JSX } from 'preact';
import type { FilesMountsOutput } from '../../../schemas/types.ts';
import { ask } from '../../client/ask.ts';
import { useLive } from '../../client/live.ts';
import { addressOf } from '../../client/open-point.ts';
import { Table, type Column } from '../../design/table.tsx';
import { Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { addressOfPlace } from '../../shell/files-place.ts';

type Mount = FilesMountsOutput['mounts'][number];

/** The restore points that are open; each may be closed. */
export function OpenPoints(): JSX.Element | null {
  const live = useLive<FilesMountsOutput>('/api/v1/restore/mounts', { everyMs: 10_000 });
  const mounts = live.data.value?.mounts ?? [];
  if (mounts.length === 0) return <TroubleNotice of={live.trouble.value} />;
  const columns: readonly Column<Mount>[] = [
    {
      id: 'point',
      title: 'Restore point',
      cell: ({ vm, repository, backup_id: point }) => (
        <a href={addressOfPlace({ vm, repository, point })}>
          <Text of={vm} />
        </a>
      ),
    },
    { id: 'by', title: 'Opened by', cell: ({ opened_by: by }) => <Text of={by} /> },
    { id: 'created', title: 'Made', cell: ({ created }) => <Time at={created} /> },
    { id: 'expires', title: 'Ends unless somebody reads', cell: ({ expires }) => <Time at={expires} /> },
    {
      id: 'close',
      title: '',
      cell: ({ id, vm }) => (
        <button
          type="button"
          class="button small"
          aria-label={`Close ${vm}`}
          onClick={() => void ask(addressOf(id), { method: 'DELETE' }).then(live.again)}
        >
          Close
        </button>
      ),
    },
  ];
  return (
    <section class="block" aria-labelledby="open-points">
      <h2 id="open-points">Open now ({mounts.length})</h2>
      <Table caption="Restore points that are open" columns={columns} rows={mounts} keyOf={({ id }) => id} />
    </section>
  );
}
