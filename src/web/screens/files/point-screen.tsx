import './files.css';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { HubChain, RestorePointOutput } from '../../../schemas/types.ts';
import { openPoint, type OpenPoint } from '../../client/open-point.ts';
import { usePages } from '../../client/pages.ts';
import { Crumbs } from '../../design/crumbs.tsx';
import { Empty, ErrorNotice, Notice } from '../../design/notice.tsx';
import { plain, Text } from '../../design/text.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { go } from '../../shell/router.ts';
import type { ScreenProps } from '../../shell/screens.ts';
import { useTitle } from '../../shell/titled.ts';
import { Downloads } from './downloads.tsx';
import { Folder } from './folder.tsx';
import { OpenPoints } from './open-points.tsx';
import { pointName } from './point-name.ts';
import { stepsOf } from './path-bytes.ts';
import { Volumes } from './volumes.tsx';
import { addressOfPlace, atFolder, whereHere, type Where } from '../../shell/files-place.ts';

/** A restore point as a file manager shows it. */
export function PointScreen({ params }: ScreenProps): JSX.Element {
  const where = whereHere(params['vm'] ?? '');
  const list = usePages<HubChain>(`/api/v1/backups/chain/${encodeURIComponent(where.vm)}?limit=100`, {
    topics: ['status'],
    first: 40,
  });
  const points = useMemo(
    () => list.pages.value?.flatMap((page) => page.points.toReversed()).filter(({ broken }) => !broken),
    [list.pages.value],
  );
  const chosen = points?.find((one) => isChosen(one, where)) ?? (where.point === '' ? points?.[0] : undefined);
  usePinned(chosen, where);
  const steps = stepsOf(where.path);
  useTitle([steps.at(-1)?.name ?? where.volume, plain(where.vm), 'Files'].filter((word) => word !== '').join(' · '));
  return (
    <>
      <header>
        <Crumbs of={[{ title: 'Files', to: '/files' }]} />
        <div class="page-head">
          <h1>
            Files of <Text of={where.vm} />
          </h1>
          {points && points.length > 0 ? <Choice points={points} chosen={chosen} where={where} /> : null}
        </div>
      </header>
      <TroubleNotice of={list.trouble.value} />
      {points?.length === 0 ? (
        <Empty title="It has no restore point that can be read.">The first backup makes one.</Empty>
      ) : null}
      {points && points.length > 0 && !chosen ? (
        <Notice tone="warn" alert>
          <strong>Restore point {plain(where.point)} is gone, or damaged.</strong>
          <span>A policy may have removed it. Choose another one.</span>
        </Notice>
      ) : null}
      <Downloads />
      {chosen && points ? (
        <Opened key={`${chosen.repository} ${chosen.backup_id}`} point={chosen} points={points} where={where} />
      ) : null}
    </>
  );
}

/** The address names the restore point from now on: a backup that is made meanwhile takes no reader elsewhere. */
function usePinned(chosen: RestorePointOutput | undefined, where: Where): void {
  const id = where.point === '' ? chosen?.backup_id : undefined;
  useEffect(() => {
    if (chosen && id !== undefined)
      go(addressOfPlace({ ...where, repository: chosen.repository, point: id }), { replace: true });
  }, [id]);
}

const isChosen = ({ backup_id: id, repository }: RestorePointOutput, where: Where): boolean =>
  id === where.point && (where.repository === '' || repository === where.repository);

interface ChoiceProps {
  readonly points: readonly RestorePointOutput[];
  readonly chosen: RestorePointOutput | undefined;
  readonly where: Where;
}

/** The restore points, the newest first. Another one is shown at the same place. */
const Choice = ({ points, chosen, where }: ChoiceProps): JSX.Element => (
  <label class="point-choice">
    <span>Restore point</span>
    <select
      class="input"
      value={chosen ? points.indexOf(chosen) : -1}
      onChange={({ currentTarget: { value } }) => {
        const point = points[Number(value)];
        if (point) go(addressOfPlace({ ...where, repository: point.repository, point: point.backup_id, with: '' }));
      }}
    >
      {chosen ? null : <option value={-1}>Choose one</option>}
      {points.map((point, index) => (
        <option key={index} value={index}>
          {pointName(point)}
        </option>
      ))}
    </select>
  </label>
);

interface OpenedProps {
  readonly point: RestorePointOutput;
  readonly points: readonly RestorePointOutput[];
  readonly where: Where;
}

/** One restore point, once it is open. */
function Opened({ point, points, where }: OpenedProps): JSX.Element {
  const { vm, repository, backup_id: id } = point;
  const open = useMemo(() => openPoint({ vm, repository, point: id }), []);
  useEffect(() => void open.open(), [open]);
  const info = open.info.value;
  const trouble = open.trouble.value;
  const here = { ...where, repository, point: id };
  if (!info && trouble) return <NotOpen trouble={trouble} onAgain={() => void open.open()} />;
  if (!info)
    return (
      <p class="soft opening" role="status">
        Opening the restore point. The first time that takes some seconds.
      </p>
    );
  return (
    <>
      {info.remark === null ? null : (
        <Notice tone="warn">
          <span>{plain(info.remark)}</span>
        </Notice>
      )}
      {where.volume === '' ? (
        <Volumes point={open} info={info} where={here} />
      ) : (
        <>
          <PathCrumbs where={here} />
          <Folder key={`${where.volume} ${where.path}`} point={open} points={points} where={here} />
        </>
      )}
    </>
  );
}

/** Why it could not be opened, and the way out. */
const NotOpen = ({
  trouble,
  onAgain,
}: {
  readonly trouble: NonNullable<OpenPoint['trouble']['value']>;
  onAgain(): void;
}): JSX.Element => (
  <>
    <ErrorNotice error={trouble} alert />
    <p>
      <button type="button" class="button" onClick={onAgain}>
        Try again
      </button>
    </p>
    {trouble.code === 'files.limit' ? (
      <>
        <p>Close one that nobody needs:</p>
        <OpenPoints />
      </>
    ) : null}
  </>
);

/** The way from the volumes to the folder. */
const PathCrumbs = ({ where }: { readonly where: Where }): JSX.Element => {
  const steps = stepsOf(where.path);
  return (
    <nav class="crumbs path-crumbs" aria-label="Folder">
      <ol>
        <li>
          <a href={addressOfPlace({ vm: where.vm, repository: where.repository, point: where.point })}>Volumes</a>
        </li>
        <li>
          <a href={atFolder(where, '')} aria-current={steps.length === 0 ? 'page' : undefined}>
            <Text of={where.volume} />
          </a>
        </li>
        {steps.map(({ id, name }, index) => (
          <li key={id}>
            <a href={atFolder(where, id)} aria-current={index === steps.length - 1 ? 'page' : undefined}>
              <Text of={name} />
            </a>
          </li>
        ))}
      </ol>
    </nav>
  );
};
