import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { FilesEntry, FilesStatOutput, RestorePointOutput } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { downloadFile } from '../../client/downloads.ts';
import { eachPoint } from '../../client/each-point.ts';
import { openPoint } from '../../client/open-point.ts';
import { exact } from '../../design/moment.ts';
import { plain } from '../../design/text.tsx';
import { timeOf } from './file-line.tsx';
import { wordOf } from './icons.tsx';
import { stepsOf } from './path-bytes.ts';
import { rowOf } from './read-folder.ts';
import { addressOfPlace, type Where } from '../../shell/files-place.ts';

/** A state of a file, and the restore points that have it, the newest first. Null: it is not there. */
interface Version {
  readonly entry: FilesEntry | null;
  readonly points: readonly RestorePointOutput[];
}

export interface VersionsProps {
  readonly points: readonly RestorePointOutput[];
  readonly where: Where;
}

/** A file over time: looks into each restore point of the repository, the newest first. */
export function Versions({ points, where }: VersionsProps): JSX.Element {
  const versions = useSignal<readonly Version[]>([]);
  const troubles = useSignal<readonly string[]>([]);
  const looked = useSignal(0);
  const stopped = useSignal(false);
  const own = points.filter(({ repository }) => repository === where.repository);
  const { volume, file } = where;
  useEffect(() => {
    if (stopped.value) return undefined;
    const gone = new AbortController();
    versions.value = [];
    looked.value = 0;
    const query = new URLSearchParams({ volume, path: file, xattrs: 'no' }).toString();
    eachPoint(
      own,
      {
        async look(point, open) {
          const answer = await open.ask<FilesStatOutput>(`stat?${query}`, { signal: gone.signal });
          const absent = answer.ok === false && ['files.path', 'files.volume'].includes(answer.trouble.code);
          if (answer.ok === true) versions.value = added(versions.peek(), answer.body.entry, point);
          if (absent) versions.value = added(versions.peek(), null, point);
          return answer.ok === false && !absent ? answer.trouble : undefined;
        },
        onLooked(point, trouble) {
          looked.value++;
          if (trouble) troubles.value = [...troubles.peek(), `${exact(point.created)}: ${trouble.message}`];
        },
      },
      gone.signal,
    ).catch((error: unknown) => {
      if (!gone.signal.aborted) throw error;
    });
    return () => gone.abort();
  }, [volume, file, stopped.value]);
  const done = looked.value === own.length;
  return (
    <section class="versions" aria-label="Versions">
      <p role="status" class="soft">
        {looked.value} of {own.length} restore points looked into.{' '}
        {done || stopped.value ? null : (
          <button type="button" class="button small" onClick={() => (stopped.value = true)}>
            Stop
          </button>
        )}
      </p>
      <ol class="version-list">
        {versions.value.map((version) => (
          <OneVersion key={version.points[0]?.backup_id} version={version} where={where} />
        ))}
      </ol>
      {troubles.value.map((line) => (
        <p key={line} class="soft">
          {plain(line)}
        </p>
      ))}
    </section>
  );
}

/** The versions with what one more restore point has, which is older than those before. */
function added(versions: readonly Version[], entry: FilesEntry | null, point: RestorePointOutput): readonly Version[] {
  const last = versions.at(-1);
  const same =
    last !== undefined &&
    last.entry?.type === entry?.type &&
    last.entry?.size === entry?.size &&
    last.entry?.mtime_ns === entry?.mtime_ns;
  if (!same) return [...versions, { entry, points: [point] }];
  return [...versions.slice(0, -1), { entry: last.entry, points: [...last.points, point] }];
}

function OneVersion({
  version: { entry, points },
  where,
}: {
  readonly version: Version;
  readonly where: Where;
}): JSX.Element {
  const [newest, oldest] = [points[0], points.at(-1)];
  const { volume, file: path } = where;
  const name = stepsOf(path).at(-1)?.name ?? '';
  const when =
    newest && oldest && newest !== oldest
      ? `${points.length} restore points, ${exact(oldest.created)} to ${exact(newest.created)}`
      : newest
        ? exact(newest.created)
        : '';
  return (
    <li>
      <span>
        <strong>
          {entry === null
            ? 'not there'
            : `${entry.type === 'file' ? formatBytes(entry.size) : wordOf(entry.type)}, changed ${timeOf(rowOf(entry))}`}
        </strong>
        <span class="soft">{when}</span>
      </span>
      {entry === null || !newest ? null : (
        <span class="act-buttons">
          <a
            class="button small"
            href={addressOfPlace({
              ...where,
              repository: newest.repository,
              point: newest.backup_id,
              with: '',
              find: '',
            })}
          >
            Show there
          </a>
          {entry.type === 'file' ? (
            <button
              type="button"
              class="button small"
              aria-label={`Download the version of ${exact(newest.created)}`}
              onClick={() => {
                const { vm, repository, backup_id: id } = newest;
                void downloadFile(openPoint({ vm, repository, point: id }), name, { volume, path });
              }}
            >
              Download
            </button>
          ) : null}
        </span>
      )}
    </li>
  );
}
