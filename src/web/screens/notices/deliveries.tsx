import type { JSX } from 'preact';
import type { HubNotices } from '../../../schemas/types.ts';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';

type Delivery = HubNotices['notices'][number]['deliveries'][number];

const looks: Readonly<Record<Delivery['state'], Look>> = {
  'sent': { shape: 'check', tone: 'good', word: 'sent' },
  'waiting': { shape: 'bars', tone: 'idle', word: 'waiting' },
  'given-up': { shape: 'cross', tone: 'bad', word: 'given up' },
};

/** To which channels a notice went, and what kept it from others. */
export const Deliveries = ({ of }: { readonly of: readonly Delivery[] }): JSX.Element =>
  of.length === 0 ? (
    <span class="soft">nobody: no rule wants it</span>
  ) : (
    <ul class="deliveries">
      {of.map((one) => (
        <li key={one.channel}>
          <Text of={one.channel} /> <StatusMark look={lookOf(one)} /> <When of={one} />
          {one.error === null ? null : <span class="why">{plain(one.error)}</span>}
        </li>
      ))}
    </ul>
  );

const lookOf = ({ state, attempts }: Delivery): Look =>
  state === 'waiting' && attempts > 0
    ? { shape: 'triangle', tone: 'warn', word: `${attempts} failed ${attempts === 1 ? 'attempt' : 'attempts'}` }
    : looks[state];

const When = ({ of: { state, time, due } }: { readonly of: Delivery }): JSX.Element =>
  state === 'waiting' ? (
    <span class="soft">
      next try <Time at={due} />
    </span>
  ) : (
    <Time at={time} />
  );
