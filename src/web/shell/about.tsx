import type { JSX } from 'preact';
import { Text } from '../design/text.tsx';
import { linkTo, type Linked } from './links.ts';

/** Names of things, with a link to each that has a screen. */
export const About = ({ of }: { readonly of: Readonly<Partial<Record<Linked, string | null>>> }): JSX.Element => (
  <ul class="about">
    {Object.entries(of).map(([kind, name]) => {
      if (name === null || name === undefined || name === '') return null;
      const link = linkTo(kind as Linked, name);
      return (
        <li key={kind}>
          {link ? (
            <a href={link.to}>
              {link.what} {link.name === null ? null : <Text of={link.name} />}
            </a>
          ) : kind === 'run' ? null : (
            <>
              {kind} <Text of={name} />
            </>
          )}
        </li>
      );
    })}
  </ul>
);
