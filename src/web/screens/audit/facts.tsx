import type { JSX } from 'preact';
import { plain } from '../../design/text.tsx';
import { linkTo, type Linked } from '../../shell/links.ts';

/** Facts that name something that has a screen. */
const linked: Readonly<Record<string, Linked>> = {
  vm: 'vm',
  vm_name: 'vm',
  plan: 'plan',
  policy_id: 'plan',
  run: 'run',
  run_id: 'run',
  node: 'node',
  repository: 'repository',
  repository_id: 'repository',
};

/** What an entry was about, with a link to what has a screen. */
export const Facts = ({ of }: { readonly of: Readonly<Record<string, string>> }): JSX.Element => (
  <ul class="audit-facts">
    {Object.entries(of).map(([name, value]) => (
      <li key={name}>
        <span class="soft">{plain(name.replaceAll('_', ' '))}</span> <Fact name={name} value={value} />
      </li>
    ))}
  </ul>
);

/** Characters that a line of the audit log shows of a fact. The rest is a click away: one long name must not hide what others did. */
const most = 200;

function Fact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  if (value.length > most)
    return (
      <details class="audit-long">
        <summary>
          <bdi>{plain(value.slice(0, most / 2))}</bdi>… <span class="soft">{value.length} characters</span>
        </summary>
        <bdi>{plain(value)}</bdi>
      </details>
    );
  const kind = linked[name];
  const link = kind === undefined ? null : linkTo(kind, value);
  const text = <bdi>{plain(value)}</bdi>;
  return link ? <a href={link.to}>{text}</a> : text;
}
