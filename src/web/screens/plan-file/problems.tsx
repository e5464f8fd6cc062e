import type { JSX } from 'preact';
import type { DiagnosticOutput } from '../../../schemas/types.ts';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import { Advice, plain } from '../../design/text.tsx';

const marks: Readonly<Record<DiagnosticOutput['severity'], Look>> = {
  error: { shape: 'cross', tone: 'bad', word: 'error' },
  warning: { shape: 'triangle', tone: 'warn', word: 'warning' },
};

export interface ProblemsProps {
  /** Undefined: nobody has looked yet. */
  readonly of: readonly DiagnosticOutput[] | undefined;
  onGo(line: number, column: number): void;
}

/** What is wrong with the text, each with a button that leads there. */
export function Problems({ of, onGo }: ProblemsProps): JSX.Element {
  const errors = of?.filter(({ severity }) => severity === 'error').length ?? 0;
  return (
    <section class="block" aria-labelledby="problems">
      <h2 id="problems">Problems</h2>
      <p class="soft" role="status">
        {of === undefined
          ? 'The hub is looking at the text…'
          : of.length === 0
            ? 'It is a valid plan.'
            : `${errors} ${errors === 1 ? 'error' : 'errors'}, ${of.length - errors} ${of.length - errors === 1 ? 'warning' : 'warnings'}.`}
      </p>
      <ul class="problems">
        {of?.map((one) => (
          <li key={`${one.line}:${one.column}:${one.rule}:${one.message}`}>
            <StatusMark look={marks[one.severity]} />
            <button type="button" class="button quiet small" onClick={() => onGo(one.line, one.column)}>
              <span class="only-read">Line </span>
              {one.line}:{one.column}
            </button>
            <span>
              {plain(one.message)}
              {one.suggestion === null ? '' : `. Did you mean ${plain(one.suggestion)}?`}{' '}
              <span class="soft">
                <Advice of={one.remedy} />
                {one.allowed.length === 0 ? '' : ` Allowed: ${one.allowed.map(plain).join(', ')}.`}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
