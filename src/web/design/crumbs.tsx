import './controls.css';
import type { JSX } from 'preact';
import { plain } from './text.tsx';

/** A place above this one. */
export interface Crumb {
  readonly title: string;
  readonly to: string;
}

/** The way from the list to what is shown. */
export const Crumbs = ({ of }: { readonly of: readonly Crumb[] }): JSX.Element => (
  <nav class="crumbs" aria-label="Above this">
    <ol>
      {of.map(({ title, to }) => (
        <li key={to}>
          <a href={to}>{plain(title)}</a>
        </li>
      ))}
    </ol>
  </nav>
);
