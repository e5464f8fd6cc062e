import './status-mark.css';
import type { JSX } from 'preact';
import { shapes, type Shape, type Tone } from './shapes.tsx';

/** What a state looks like, and what it is called. */
export interface Look {
  readonly shape: Shape;
  readonly tone: Tone;
  readonly word: string;
}

export interface StatusMarkProps {
  readonly look: Look;
  /** Only the shape is seen; the word is for who listens. */
  readonly bare?: boolean;
}

/** A state: shape, colour and word. */
export const StatusMark = ({ look, bare }: StatusMarkProps): JSX.Element => (
  <span class={`mark tone-${look.tone}`}>
    <svg viewBox="0 0 16 16" aria-hidden="true">
      {shapes[look.shape]}
    </svg>
    <span class={bare ? 'only-read' : ''}>{look.word}</span>
  </span>
);
