import type { JSX } from 'preact';
import type { HubTrouble } from '../../../schemas/types.ts';
import { troubleLooks } from '../../design/looks.ts';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { linkTo } from '../../shell/links.ts';

export interface WrongsProps {
  readonly wrong: readonly HubTrouble[];
  /** The list may be shorter. */
  readonly total: number;
}

/** What is wrong now, the worst first. */
export const Wrongs = ({ wrong, total }: WrongsProps): JSX.Element => (
  <section class="block" aria-labelledby="wrongs">
    <h2 id="wrongs">{total === 0 ? 'Nothing needs you' : `Needs you (${total})`}</h2>
    {total === 0 ? (
      <p class="soft">No backup failed or is late, no restore point is known to be damaged, every node is connected.</p>
    ) : (
      <ul class="wrongs">
        {wrong.map((one, index) => (
          <Wrong key={`${one.kind} ${one.vm} ${one.plan} ${one.node} ${one.repository} ${index}`} one={one} />
        ))}
      </ul>
    )}
    {wrong.length < total ? <p class="soft">{total - wrong.length} more are not shown.</p> : null}
  </section>
);

function Wrong({ one }: { readonly one: HubTrouble }): JSX.Element {
  const links = [
    one.vm === null || one.vm === '*' ? null : linkTo('vm', one.vm),
    one.run_id === null ? null : linkTo('run', one.run_id),
    one.plan === null ? null : linkTo('plan', one.plan),
    one.node === null ? null : linkTo('node', one.node),
    one.repository === null ? null : linkTo('repository', one.repository),
  ].filter((link) => link !== null);
  return (
    <li>
      <StatusMark look={troubleLooks[one.kind]} />
      <div class="what">
        <span>{plain(one.message)}</span>
        {links.length === 0 ? null : (
          <span class="links">
            {links.map(({ what, name, to }) => (
              <a key={to} href={to}>
                {what} {name === null ? null : <Text of={name} />}
              </a>
            ))}
          </span>
        )}
      </div>
      <span class="since">{one.since === null ? null : <Time at={one.since} />}</span>
    </li>
  );
}
