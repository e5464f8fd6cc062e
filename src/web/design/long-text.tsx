import './controls.css';
import type { JSX } from 'preact';
import { told } from './text.tsx';

export interface LongTextProps {
  readonly of: string;
  /** Characters that show at once. */
  readonly most?: number;
}

/** A text of any length in a list: of a long one its beginning, and the rest is a click away. One long text must not hide the other rows. */
export function LongText({ of, most = 200 }: LongTextProps): JSX.Element {
  if (of.length <= most) return <bdi>{told(of)}</bdi>;
  return (
    <details class="long-text">
      <summary>
        <bdi>{told(of.slice(0, most / 2))}</bdi>… <span class="soft">{of.length} characters</span>
      </summary>
      <bdi>{told(of)}</bdi>
    </details>
  );
}
