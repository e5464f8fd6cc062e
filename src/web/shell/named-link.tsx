import type { JSX } from 'preact';
import { Text } from '../design/text.tsx';
import { linkTo, type Linked } from './links.ts';

export interface NamedLinkProps {
  readonly kind: Linked;
  readonly name: string;
}

/** The name of something: a link to its screen, if there is one that the reader may see. */
export function NamedLink({ kind, name }: NamedLinkProps): JSX.Element {
  const link = linkTo(kind, name);
  return link ? (
    <a href={link.to}>
      <Text of={name} />
    </a>
  ) : (
    <Text of={name} />
  );
}
