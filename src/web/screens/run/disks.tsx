import './disks.css';
import type { JSX } from 'preact';
import { formatRate } from '../../../view/format.ts';
import { bytesOf, percentOf, timeLeft } from '../../../view/run/disk-figures.ts';
import type { HubRunProgress } from '../../../schemas/types.ts';
import { plain, Text } from '../../design/text.tsx';
import { Old } from './progress-line.tsx';
import { overallText } from './progress.ts';

/** What moves now: each disk with its share, its rate and the time that is left. */
export const Disks = ({ of }: { readonly of: HubRunProgress }): JSX.Element => (
  <section class="block" aria-labelledby="disks">
    <div class="block-head">
      <h2 id="disks">{plain(of.title ?? '')}</h2>
      <Old time={of.time} />
    </div>
    {of.overall ? <p>{overallText(of.overall)}</p> : null}
    <ul class="disks">
      {of.disks.map((disk) => (
        <li key={disk.disk}>
          <Text of={disk.disk} />
          <span class="soft">{plain(disk.phase)}</span>
          <progress
            aria-label={`${plain(disk.disk)}: ${plain(disk.phase)}`}
            max={100}
            value={disk.bytes_total === 0 && disk.phase !== 'done' ? undefined : percentOf(disk)}
          />
          <span class="nowrap">{disk.bytes_total === 0 ? '' : bytesOf(disk)}</span>
          <span class="nowrap">{disk.rate > 0 ? formatRate(disk.rate) : ''}</span>
          <span class="soft nowrap">{timeLeft(disk) && `${timeLeft(disk)} left`}</span>
        </li>
      ))}
    </ul>
  </section>
);
