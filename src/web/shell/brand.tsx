import type { JSX } from 'preact';

/** The mark: the layers of a chain, linked so that they make an S. */
export const Brand = (): JSX.Element => (
  <a class="brand" href="/">
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <rect x="4" y="3" width="16" height="4" rx="1" />
      <rect x="4" y="7.75" width="4" height="1.5" />
      <rect x="4" y="10" width="16" height="4" rx="1" />
      <rect x="16" y="14.75" width="4" height="1.5" />
      <rect x="4" y="17" width="16" height="4" rx="1" />
    </svg>
    Sendense
  </a>
);
