import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { Find } from '../../design/narrowing.tsx';
import { Empty, Notice } from '../../design/notice.tsx';
import { plain } from '../../design/text.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { go } from '../../shell/router.ts';
import { sortingHere } from '../../shell/sorting.ts';
import { Comparison } from './comparison.tsx';
import { FileDialog } from './file-dialog.tsx';
import { FileGrid } from './file-grid.tsx';
import { folderOf } from './path-bytes.ts';
import type { FolderProps } from './folder-props.ts';
import { linkIn } from './link-in.ts';
import { readFolder } from './read-folder.ts';
import { FolderTools } from './folder-tools.tsx';
import { Search } from './search.tsx';
import { Selection } from './selection.tsx';
import { sortRows } from './sort-rows.ts';
import { Unlock } from './unlock.tsx';
import { Unreadable } from './unreadable.tsx';
import { addressOfPlace, atFolder } from '../../shell/files-place.ts';

/** What is below a folder: its names, what a search finds, or what differs from another restore point. */
export function Folder(props: FolderProps): JSX.Element {
  const { point, points, where } = props;
  return (
    <section class="block" aria-label="Files">
      <FolderTools where={where} points={points} />
      {where.with !== '' ? (
        <Comparison key={where.with} {...props} />
      ) : where.find !== '' ? (
        <Search key={`${where.find} ${where.in}`} {...props} />
      ) : (
        <Listing {...props} />
      )}
      {where.file === '' ? null : (
        <FileDialog
          key={where.file}
          point={point}
          points={points}
          where={where}
          onClose={() => go(addressOfPlace({ ...where, file: '' }), { replace: true })}
        />
      )}
    </section>
  );
}

function Listing({ point, where }: FolderProps): JSX.Element {
  const { volume, path } = where;
  const folder = useMemo(() => readFolder(point, volume, path), [point, volume, path]);
  const reads = useSignal(0);
  useEffect(() => folder.begin(), [folder, reads.value]);
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const filter = useSignal('');
  const sorting = sortingHere('name');
  const { by, down } = sorting;
  const rows = folder.rows.value;
  const wanted = filter.value.toLowerCase();
  const shown = useMemo(() => {
    const found = wanted === '' ? rows : rows.filter(({ sought }) => sought.includes(wanted));
    return sortRows(found, by, down);
  }, [rows, wanted, by, down]);
  const total = folder.total.value;
  const trouble = folder.trouble.value;
  const linkOf = linkIn(where);
  if (trouble?.code === 'files.locked')
    return (
      <Notice tone="warn" alert>
        <strong>{plain(trouble.message)}</strong>
        <span>
          <Unlock point={point} volume={volume} onDone={() => reads.value++} />
        </span>
      </Notice>
    );
  return (
    <>
      <TroubleNotice of={trouble} />
      {folder.unreadable.value.length > 0 ? <Unreadable lines={folder.unreadable.value} /> : null}
      {total === undefined ? (
        trouble ? null : (
          <p class="soft">Reading the folder…</p>
        )
      ) : total === 0 && folder.done.value ? (
        <Empty title="This folder is empty.">
          <a href={atFolder(where, folderOf(path))}>Go up</a>
        </Empty>
      ) : (
        <>
          <div class="table-tools">
            <Find label="Narrow this folder" value={filter.value} onFind={(text) => (filter.value = text)} />
            <span class="soft" role="status">
              {countText(shown.length, rows.length, total, wanted !== '')}
            </span>
          </div>
          <Selection point={point} where={where} rows={rows} total={total} selected={selected} />
          <FileGrid
            label="Names in this folder"
            rows={shown}
            total={wanted === '' ? total : shown.length}
            sorting={sorting}
            selected={selected}
            linkOf={linkOf}
            onOpen={(row) => go(linkOf(row))}
            {...(path === '' ? {} : { onUp: () => go(atFolder(where, folderOf(path))) })}
          />
        </>
      )}
    </>
  );
}

function countText(shown: number, read: number, total: number, narrowed: boolean): string {
  const names = `${total} ${total === 1 ? 'name' : 'names'}`;
  const come = read < total ? `${read} of ${names} read` : names;
  return narrowed ? `${shown} of ${come}` : come;
}
