import './meter.css';
import type { JSX } from 'preact';

export interface MeterProps {
  /** Of `total`; the rest of it is free. */
  readonly own: number;
  readonly other: number;
  readonly total: number;
}

/** How full something is. The same stands in words beside it. */
export const Meter = ({ own, other, total }: MeterProps): JSX.Element => {
  const percent = (part: number): string => `${total <= 0 ? 0 : Math.min(100, (part / total) * 100)}%`;
  return (
    <span class="meter" aria-hidden="true">
      <span style={{ inlineSize: percent(own) }} />
      <span class="other" style={{ inlineSize: percent(other) }} />
    </span>
  );
};
