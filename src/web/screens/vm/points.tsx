import type { JSX } from 'preact';
import type { HubChain, HubVm, RestorePointOutput } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { verifiedText } from '../../../view/reports/verified-text.ts';
import { sentBytes } from '../../../view/run/sent-bytes.ts';
import { usePages } from '../../client/pages.ts';
import { absolute, now } from '../../design/moment.ts';
import { Empty, ErrorNotice } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { PointActs } from './point-acts.tsx';

/** The restore points of a VM: what is built on what, how large each is, what proves and protects it. */
export function Points({ vm }: { readonly vm: HubVm }): JSX.Element {
  const list = usePages<HubChain>(`/api/v1/backups/chain/${encodeURIComponent(vm.vm)}?limit=50`, {
    topics: ['status'],
  });
  const points = list.pages.value?.flatMap((page) => page.points.toReversed());
  const trouble = list.trouble.value;
  const failed = trouble && trouble.status > 0 && trouble.status !== 401 && trouble.code !== 'point.unknown';
  return (
    <section class="block" aria-labelledby="points">
      <h2 id="points">Restore points</h2>
      {failed ? <ErrorNotice error={trouble} alert /> : null}
      {trouble?.code === 'point.unknown' ? (
        <Empty title="There is no restore point yet.">The first backup makes one.</Empty>
      ) : null}
      {points ? <Chain points={points} onChange={list.again} /> : null}
      {list.hasMore.value ? (
        <p>
          <button type="button" class="button small" onClick={list.more}>
            Show older restore points
          </button>
        </p>
      ) : null}
    </section>
  );
}

interface ChainProps {
  /** The newest first. */
  readonly points: readonly RestorePointOutput[];
  onChange(): void;
}

function Chain({ points, onChange }: ChainProps): JSX.Element {
  const largest = Math.max(1, ...points.map(({ file_bytes: bytes }) => bytes));
  const created = new Map(points.map((point) => [keyOf(point), point.created]));
  return (
    <ol class="chain" aria-label="The newest first">
      {points.map((point, index) => {
        const below = points[index + 1];
        const built = point.parent === null ? null : `${point.repository} ${point.parent}`;
        // The drawing says what a point is built on only where that is the next one.
        const straight = below !== undefined && built === keyOf(below);
        return (
          <Point
            key={keyOf(point)}
            point={point}
            straight={straight}
            parent={straight || built === null ? null : (created.get(built) ?? null)}
            share={point.file_bytes / largest}
            onChange={onChange}
          />
        );
      })}
    </ol>
  );
}

const keyOf = ({ repository, backup_id: id }: RestorePointOutput): string => `${repository} ${id}`;

interface PointProps {
  readonly point: RestorePointOutput;
  /** It is built on the one below. */
  readonly straight: boolean;
  /** When that was made on which it is built, where it is not the one below. */
  readonly parent: number | null;
  /** Of the largest one, 0 to 1. */
  readonly share: number;
  onChange(): void;
}

const Point = ({ point, straight, parent, share, onChange }: PointProps): JSX.Element => (
  <li class={straight ? 'straight' : ''}>
    <svg class={`link ${point.kind}`} viewBox="0 0 16 16" aria-hidden="true">
      {point.kind === 'full' ? <rect x="2" y="2" width="12" height="12" rx="1.5" /> : <circle cx="8" cy="8" r="4" />}
    </svg>
    <span class="made">
      <Time at={point.created} />
      <span class="soft">
        {point.kind}
        {parent === null ? '' : `, built on ${absolute(parent, now.value)}`}
        {', '}
        <Text of={point.repository} />
      </span>
    </span>
    <span class="size">
      <span class="nowrap">{formatBytes(point.file_bytes)}</span>
      <span class="bar-track" aria-hidden="true">
        <span style={{ inlineSize: `${share * 100}%` }} />
      </span>
      <span class="soft nowrap">{formatBytes(point.disks.reduce((sum, disk) => sum + sentBytes(disk), 0))} sent</span>
    </span>
    <Marks point={point} />
    <PointActs point={point} onChange={onChange} />
  </li>
);

/** What proves it, what keeps it, what is wrong with it. */
function Marks({ point }: { readonly point: RestorePointOutput }): JSX.Element {
  const proven = verifiedText(point);
  const fails = (point.verifications ?? []).some(({ ok }) => !ok);
  const { protected: held, broken, kept, warnings, used_by: users = [], before_restore: restored = null } = point;
  return (
    <ul class="marks">
      {broken ? (
        <li>
          <StatusMark look={{ shape: 'cross', tone: 'bad', word: 'damaged' }} />
          <span class="soft">{plain(broken.reason)}</span>
        </li>
      ) : null}
      {proven === '' ? null : (
        <li>
          <StatusMark
            look={
              fails
                ? { shape: 'cross', tone: 'bad', word: proven }
                : { shape: 'check', tone: 'good', word: `proven: ${proven}` }
            }
          />
        </li>
      )}
      {held ? (
        <li>
          <StatusMark look={{ shape: 'bars', tone: 'busy', word: 'protected' }} />
          <span class="soft">
            {held.until === null ? 'for ever' : `until ${absolute(held.until, now.value)}`}
            {held.reason === '' ? '' : `: ${plain(held.reason)}`}
          </span>
        </li>
      ) : null}
      {kept ? (
        <li>
          <StatusMark look={{ shape: 'ring', tone: 'idle', word: 'kept from a boot' }} />
        </li>
      ) : null}
      {restored === null ? null : (
        <li>
          <StatusMark look={{ shape: 'ring', tone: 'idle', word: 'safety backup' }} />
          <span class="soft">before {restored} was restored in place</span>
        </li>
      )}
      {users.map(({ boot, host }) => (
        <li key={boot}>
          <StatusMark look={{ shape: 'ring', tone: 'good', word: 'in use' }} />
          <span class="soft">{plain(`${boot} of host ${host} runs from it`)}</span>
        </li>
      ))}
      {warnings.map((warning) => (
        <li key={warning}>
          <StatusMark look={{ shape: 'triangle', tone: 'warn', word: 'warning' }} />
          <span class="soft">{plain(warning)}</span>
        </li>
      ))}
    </ul>
  );
}
