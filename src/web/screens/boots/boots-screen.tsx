import './boots.css';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { BootOutput, BootsOutput } from '../../../schemas/types.ts';
import { formatBytes, formatRate } from '../../../view/format.ts';
import { bytesOf, percentOf, timeLeft } from '../../../view/run/disk-figures.ts';
import { useLive } from '../../client/live.ts';
import { Empty, Notice } from '../../design/notice.tsx';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { linkTo } from '../../shell/links.ts';
import { useTitle } from '../../shell/titled.ts';
import { BootActs } from './boot-acts.tsx';

const looks: Readonly<Record<BootOutput['state'], Look>> = {
  starting: { shape: 'arc', tone: 'busy', word: 'starting' },
  running: { shape: 'check', tone: 'good', word: 'running' },
  paused: { shape: 'bars', tone: 'warn', word: 'paused' },
  failed: { shape: 'cross', tone: 'bad', word: 'failed' },
  off: { shape: 'dot', tone: 'idle', word: 'off' },
  stopping: { shape: 'arc', tone: 'busy', word: 'stopping' },
  unknown: { shape: 'ring', tone: 'warn', word: 'not known here' },
};

const somethingMoves = ({ boots }: BootsOutput): boolean => boots.some(({ move }) => move?.done === false);

/** VMs that run from restore points: how it goes with each, how much it has written, and what can be done with it. */
export function BootsScreen(): JSX.Element {
  const live = useLive<BootsOutput>('/api/v1/boots', { topics: ['status'], everyMs: 1000, busy: somethingMoves });
  const boots = live.data.value?.boots;
  useTitle('Running from restore points');
  return (
    <>
      <header>
        <div class="page-head">
          <h1>Running from restore points</h1>
        </div>
        <p class="soft">VMs that run without a restore. Nothing of their restore points is removed meanwhile.</p>
      </header>
      <TroubleNotice of={live.trouble.value} />
      {boots?.length === 0 ? (
        <Empty title="No VM runs from a restore point.">
          Open a VM, choose Restore at one of its restore points, then “Run it at once”.
        </Empty>
      ) : null}
      <ul class="boots">
        {boots?.map((boot) => (
          <Boot key={boot.id} boot={boot} onChange={live.again} />
        ))}
      </ul>
    </>
  );
}

function Boot({ boot, onChange }: { readonly boot: BootOutput; onChange(): void }): JSX.Element {
  const vm = linkTo('vm', boot.vm);
  return (
    <li aria-labelledby={boot.id}>
      <h2 id={boot.id}>
        {vm ? <a href={vm.to}>{plain(boot.vm)}</a> : <Text of={boot.vm} />} <span class="soft mono">{boot.id}</span>
      </h2>
      <p>
        <StatusMark look={looks[boot.state]} /> {boot.why === null ? null : <span class="soft">{plain(boot.why)}</span>}
      </p>
      {boot.notes.map((note) => (
        <p key={note} class="soft">
          {plain(note)}
        </p>
      ))}
      <dl class="facts">
        {factsOf(boot).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Moving boot={boot} />
      <BootActs boot={boot} onChange={onChange} />
    </li>
  );
}

const factsOf = (boot: BootOutput): readonly (readonly [name: string, value: JSX.Element | string])[] => [
  ['Restore point', boot.created === null ? <code>{plain(boot.backup_id)}</code> : <Time at={boot.created} />],
  ['Started', <Time at={boot.started} />],
  ['By', <Text of={boot.started_by} />],
  ['Network', <Text of={boot.network} />],
  [
    'Has written',
    boot.quota_bytes === null
      ? formatBytes(boot.written_bytes)
      : `${formatBytes(boot.written_bytes)} of ${formatBytes(boot.quota_bytes)}`,
  ],
  ['Free where it writes', boot.free_bytes === null ? 'not there' : formatBytes(boot.free_bytes)],
  ['Folder', <code>{plain(boot.folder)}</code>],
];

function Moving({ boot: { move, state } }: { readonly boot: BootOutput }): JSX.Element | null {
  const rate = useRate(move?.copied_bytes ?? 0);
  if (move === null) return null;
  if (move.done)
    return (
      <Notice tone="idle">
        <span>
          Its disks are in <code>{plain(move.directory)}</code>. It needs the repository no more.
        </span>
      </Notice>
    );
  const disk = { disk: '', phase: '', bytes_done: move.copied_bytes, bytes_total: move.total_bytes, rate };
  const left = timeLeft(disk);
  const facts = [bytesOf(disk), ...(rate > 0 ? [formatRate(rate)] : []), ...(left ? [`${left} left`] : [])];
  return (
    <p class="moving">
      <span>
        Its disks move to <code>{plain(move.directory)}</code>
        {state === 'running' ? '' : ', when it runs again'}: {facts.join(', ')}
      </span>
      <progress max={100} value={percentOf(disk)} aria-label="Moved" />
    </p>
  );
}

/** Samples that a rate is the mean of. */
const mostSamples = 6;

/** Bytes per second of what grows from one answer to the next; 0 until that can be told. */
function useRate(bytes: number): number {
  const samples = useRef<readonly (readonly [at: number, bytes: number])[]>([]);
  if (samples.current.at(-1)?.[1] !== bytes)
    samples.current = [...samples.current, [Date.now(), bytes] as const].slice(-mostSamples);
  const [first, last] = [samples.current[0], samples.current.at(-1)];
  if (!first || !last || last[0] === first[0]) return 0;
  return Math.max(0, Math.round(((last[1] - first[1]) * 1000) / (last[0] - first[0])));
}
