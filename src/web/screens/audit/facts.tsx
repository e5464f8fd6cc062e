import type { JSX } from 'preact';
import { LongText } from '../../design/long-text.tsx';
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

/** Characters of a name that has a screen. */
const longestName = 200;

function Fact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  const kind = linked[name];
  const link = kind === undefined || value.length > longestName ? null : linkTo(kind, value);
  const text = <LongText of={value} most={longestName} />;
  return link ? <a href={link.to}>{text}</a> : text;
}
