import './fact-list.css';
import type { JSX } from 'preact';

/** What it is called, and what it is. */
export type Fact = readonly [name: string, value: JSX.Element | string];

/** Facts about one thing, side by side. */
export const FactList = ({ of }: { readonly of: readonly Fact[] }): JSX.Element => (
  <dl class="facts">
    {of.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);
