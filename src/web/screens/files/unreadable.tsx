import type { JSX } from 'preact';
import { Notice } from '../../design/notice.tsx';
import { plain } from '../../design/text.tsx';

/** What could not be read, and why. */
export const Unreadable = ({ lines }: { readonly lines: readonly string[] }): JSX.Element => (
  <Notice tone="warn">
    <strong>Not all of it could be read.</strong>
    <ul class="left-out">
      {lines.map((line, index) => (
        <li key={index}>{plain(line)}</li>
      ))}
    </ul>
  </Notice>
);
