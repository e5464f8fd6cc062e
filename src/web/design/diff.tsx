import './diff.css';
import type { JSX } from 'preact';
import { diffLines, nearChanges, type DiffLine } from './diff.ts';
import { plain } from './text.tsx';

export interface DiffProps {
  /** What is compared, for who listens. */
  readonly label: string;
  readonly before: string;
  readonly after: string;
}

/** What it takes to make one text of the other. A line that goes has a minus, one that comes a plus. */
export function Diff({ label, before, after }: DiffProps): JSX.Element {
  const lines = nearChanges(diffLines(before, after));
  return (
    <pre class="diff" role="region" aria-label={label} tabIndex={0}>
      {lines.map((line, index) => (
        <Line key={index} line={line} />
      ))}
    </pre>
  );
}

function Line({ line }: { readonly line: DiffLine | null }): JSX.Element {
  if (line === null) return <span class="left-out">…</span>;
  const text = plain(line.text);
  if (line.side === 'old') return <del>− {text}</del>;
  if (line.side === 'new') return <ins>+ {text}</ins>;
  return <span>{`  ${text}`}</span>;
}
