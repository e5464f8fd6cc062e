import './controls.css';
import type { JSX } from 'preact';

export interface ChoicesProps<Value extends string> {
  /** What is chosen, for who listens. */
  readonly label: string;
  readonly choices: readonly { readonly value: Value; readonly word: string }[];
  readonly value: string;
  onChoose(value: Value): void;
}

/** One of a few: a row of buttons. */
export const Choices = <Value extends string>({
  label,
  choices,
  value,
  onChoose,
}: ChoicesProps<Value>): JSX.Element => (
  <div class="choices" role="group" aria-label={label}>
    {choices.map((choice) => (
      <button
        key={choice.value}
        type="button"
        class="button small"
        aria-pressed={choice.value === value}
        onClick={() => onChoose(choice.value)}
      >
        {choice.word}
      </button>
    ))}
  </div>
);

export interface FindProps {
  readonly label: string;
  readonly value: string;
  onFind(text: string): void;
}

/** Narrows a list to what has a text in it, letter by letter. */
export const Find = ({ label, value, onFind }: FindProps): JSX.Element => (
  <input
    class="input small"
    type="search"
    placeholder={label}
    aria-label={label}
    value={value}
    spellcheck={false}
    onInput={(event) => onFind(event.currentTarget.value)}
  />
);

export interface ExactProps extends FindProps {
  readonly placeholder?: string;
}

/** Narrows a list by a whole name, once it is typed. */
export const Exact = ({ label, placeholder, value, onFind }: ExactProps): JSX.Element => (
  <input
    class="input small"
    type="search"
    placeholder={placeholder ?? `${label}, its whole name`}
    aria-label={label}
    // What is typed stays when the list is read again.
    key={value}
    defaultValue={value}
    spellcheck={false}
    onChange={(event) => onFind(event.currentTarget.value.trim())}
  />
);
