import type { JSX } from 'preact';

/** The shapes that states have, so that nothing is said by colour alone. Each fills a square of 16. */
export const shapes = {
  /** All is well. */
  check: (
    <>
      <circle cx="8" cy="8" r="7" />
      <path class="cut" d="M4.7 8.3 7 10.6l4.4-4.8" />
    </>
  ),
  /** Somebody should look. */
  triangle: (
    <>
      <path d="M8 .9 15.6 14.6H.4Z" stroke-linejoin="round" />
      <path class="cut" d="M8 6v4M8 12.2v.1" />
    </>
  ),
  /** It went wrong. */
  cross: (
    <>
      <path d="M8 .4 15.6 8 8 15.6.4 8Z" />
      <path class="cut" d="m5.7 5.7 4.6 4.6m0-4.6-4.6 4.6" />
    </>
  ),
  /** There is none. */
  ring: <circle class="line" cx="8" cy="8" r="6" stroke-dasharray="2.6 2.1" />,
  /** It goes on. */
  arc: (
    <g class="turns">
      <circle class="line faint" cx="8" cy="8" r="6" />
      <path class="line" d="M8 2a6 6 0 0 1 6 6" />
    </g>
  ),
  /** It waits for somebody. */
  bars: <path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z" />,
  /** Somebody ended it. */
  slash: (
    <>
      <circle class="line" cx="8" cy="8" r="6" />
      <path class="line" d="m4 12 8-8" />
    </>
  ),
  /** Something is about time. */
  clock: (
    <>
      <circle class="line" cx="8" cy="8" r="6" />
      <path class="line" d="M8 4.5V8l2.4 1.6" />
    </>
  ),
  /** Nobody asked for it. */
  dot: <circle cx="8" cy="8" r="2.5" />,
} as const satisfies Readonly<Record<string, JSX.Element>>;

export type Shape = keyof typeof shapes;
export type Tone = 'good' | 'warn' | 'bad' | 'busy' | 'idle';
