import './repository.css';
import type { JSX } from 'preact';
import type { HubOneRepository } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { may } from '../../client/session.ts';
import { Crumbs } from '../../design/crumbs.tsx';
import { FactList, type Fact } from '../../design/fact-list.tsx';
import { Meter } from '../../design/meter.tsx';
import { Notice } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import type { ScreenProps } from '../../shell/screens.ts';
import { useTitle } from '../../shell/titled.ts';
import { bytesOr, repositoryLook, usedByOthers, type Repository } from '../repositories/repository-state.ts';
import { Check } from './check.tsx';
import { Growth } from './growth.tsx';
import { PrunePreview } from './prune-preview.tsx';
import { Usage } from './usage.tsx';
import { VerifyAll } from './verify-all.tsx';

/** One repository: how full it is, how it grows, what it holds, whether it is sound. */
export function RepositoryScreen({ params }: ScreenProps): JSX.Element {
  const name = params['repository'] ?? '';
  const live = useLive<HubOneRepository>(`/api/v1/repositories/${encodeURIComponent(name)}`, { everyMs: 30_000 });
  const data = live.data.value;
  useTitle(plain(name));
  return (
    <>
      <header>
        <Crumbs of={[{ title: 'Repositories', to: '/repositories' }]} />
        <div class="page-head">
          <h1>
            <Text of={name} />
          </h1>
          {data ? (
            <span class="repository-state">
              <StatusMark look={repositoryLook(data.repository)} />
              {may('operate') && data.repository.points > 0 ? <VerifyAll repository={name} /> : null}
            </span>
          ) : null}
        </div>
      </header>
      <TroubleNotice of={live.trouble.value} />
      {data ? (
        <>
          {data.repository.error === null ? null : (
            <Notice tone="bad">
              <strong>{plain(data.repository.error)}</strong>
            </Notice>
          )}
          <Capacity of={data.repository} measured={data.measured} />
          <Growth name={name} />
          <Usage vms={data.repository.vms} />
          <PrunePreview repository={name} />
          <Check repository={name} />
        </>
      ) : null}
    </>
  );
}

function Capacity({ of, measured }: { readonly of: Repository; readonly measured: number }): JSX.Element {
  const { used, free, total, quota, trash, immutable } = of;
  const facts: readonly Fact[] = [
    [
      'Used by Sendense',
      quota === null ? bytesOr(used, 'unknown') : `${bytesOr(used, 'unknown')} of its quota of ${formatBytes(quota)}`,
    ],
    ...(total === null ? [] : ([['Used by others', formatBytes(usedByOthers(of))]] as const)),
    ['Free', free === null || total === null ? 'unknown' : `${formatBytes(free)} of ${formatBytes(total)}`],
    ...(of.min_free > 0 ? ([['Kept free', formatBytes(of.min_free)]] as const) : []),
    ...(of.vm_quota === null ? [] : ([['Quota of a VM', formatBytes(of.vm_quota)]] as const)),
    ...(trash ? ([['Put aside by gc', formatBytes(trash)]] as const) : []),
    ['Restore points', String(of.points)],
    [
      'Immutable',
      immutable.wanted === 'off'
        ? 'no'
        : immutable.problem === null
          ? 'yes'
          : `not possible: ${plain(immutable.problem)}`,
    ],
    ['Path', <span class="mono">{plain(of.path)}</span>],
    ['Measured', <Time at={measured} />],
  ];
  return (
    <div class="capacity">
      {used !== null && quota !== null ? (
        <Meter own={used} other={0} total={quota} />
      ) : used !== null && total !== null ? (
        <Meter own={used} other={usedByOthers(of)} total={total} />
      ) : null}
      <FactList of={facts} />
    </div>
  );
}
