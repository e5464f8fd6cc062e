import type { JSX } from 'preact';
import { useId } from 'preact/hooks';
import type { HubRestoreTargets } from '../../../schemas/types.ts';
import { plain } from '../../design/text.tsx';
import { place } from '../../shell/router.ts';
import type { Field, Target } from './targets.ts';

export interface TargetFieldsProps {
  readonly target: Target;
  readonly known: HubRestoreTargets;
  /** Name of the VM that is restored. */
  readonly vm: string;
}

/** What a target wants to know. */
export const TargetFields = ({ target, known, vm }: TargetFieldsProps): JSX.Element => (
  <fieldset class="part">
    <legend>{target.title}</legend>
    <div class="target-fields">
      {target.fields.map((field) => (
        <OneField key={field.name} field={field} known={known} vm={vm} />
      ))}
    </div>
  </fieldset>
);

function OneField({ field, known, vm }: Omit<TargetFieldsProps, 'target'> & { readonly field: Field }): JSX.Element {
  const { name, label, hint, kind, required = false, on = false, initial, options } = field;
  const hintId = useId();
  if (kind === 'check')
    return (
      <label class="check">
        <input type="checkbox" name={`to.${name}`} defaultChecked={on} /> {label}
      </label>
    );
  const described = hint === undefined ? {} : { 'aria-describedby': hintId };
  return (
    <div class="field">
      <label class="field">
        <span>{label}</span>
        {kind === 'choice' ? (
          <select class="input" name={`to.${name}`} required={required} {...described}>
            {options?.(known).map((option) => (
              <option key={option} value={option}>
                {plain(option)}
              </option>
            ))}
          </select>
        ) : (
          <input
            class="input"
            name={`to.${name}`}
            defaultValue={place.value.query.get(`to.${name}`) ?? initial?.(known, vm) ?? ''}
            required={required}
            spellcheck={false}
            autocomplete="off"
            {...described}
          />
        )}
      </label>
      {hint === undefined ? null : (
        <span class="soft hint" id={hintId}>
          {hint}
        </span>
      )}
    </div>
  );
}
