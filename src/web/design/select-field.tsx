import './controls.css';
import type { JSX } from 'preact';
import { plain } from './text.tsx';

export interface SelectFieldProps {
  readonly label: string;
  /** Of what a form holds. */
  readonly name: string;
  readonly options: readonly { readonly value: string; readonly word: string }[];
}

/** One of several, in a form. */
export const SelectField = ({ label, name, options }: SelectFieldProps): JSX.Element => (
  <label class="field">
    <span>{label}</span>
    <select class="input" name={name}>
      {options.map(({ value, word }) => (
        <option key={value} value={value}>
          {plain(word)}
        </option>
      ))}
    </select>
  </label>
);

const dayMs = 86_400_000;

/** When a number of days ends that was chosen; null: never. */
export const endOfDays = (days: FormDataEntryValue | null): number | null =>
  days === null || days === '' ? null : Date.now() + Number(days) * dayMs;
