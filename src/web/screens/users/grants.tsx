import './users.css';
import { Fragment, type JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import type { UserRolesRequest } from '../../../schemas/types.ts';
import { Text } from '../../design/text.tsx';

/** All roles, and what each is for. */
const roles: readonly { readonly role: UserRolesRequest['roles'][number]; readonly means: string }[] = [
  { role: 'viewer', means: 'sees VMs, restore points, runs and plans' },
  { role: 'operator', means: 'also starts and cancels runs, pauses schedules' },
  { role: 'restorer', means: 'reads files of restore points, and restores' },
  { role: 'admin', means: 'may do everything' },
];

export interface Grant {
  readonly roles: readonly string[];
  readonly vms: readonly string[] | null;
}

/** Roles and VMs that somebody may have. */
export function GrantFields({ roles: had, vms }: Grant): JSX.Element {
  const chosen = useSignal<readonly string[]>(had);
  const hint = useId();
  const isAdmin = chosen.value.includes('admin');
  return (
    <>
      <fieldset class="grants">
        <legend>May do</legend>
        {roles.map(({ role, means }) => (
          <label key={role}>
            <input
              type="checkbox"
              name="role"
              value={role}
              checked={chosen.value.includes(role)}
              onChange={({ currentTarget: { checked } }) => {
                const others = chosen.value.filter((one) => one !== role);
                chosen.value = checked ? [...others, role] : others;
              }}
            />
            <span>
              <strong>{role}</strong> <span class="soft">{means}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="hinted">
        <label class="field">
          <span>Only these VMs</span>
          <input
            class="input"
            name="vms"
            defaultValue={vms?.join(' ') ?? ''}
            disabled={isAdmin}
            placeholder="all"
            spellcheck={false}
            autocapitalize="none"
            aria-describedby={hint}
          />
        </label>
        <span class="hint" id={hint}>
          {isAdmin
            ? 'An admin sees all VMs.'
            : 'Names with a space between them. * stands for any characters: pg* web?'}
        </span>
      </div>
    </>
  );
}

/** What was chosen. */
export function grantOf(form: FormData): UserRolesRequest {
  const vms = String(form.get('vms') ?? '')
    .split(/\s+/)
    .filter(Boolean);
  // The hub says what is wrong with them.
  return {
    roles: form.getAll('role').map(String) as unknown as UserRolesRequest['roles'],
    vms: vms.length === 0 ? null : (vms as [string]),
  };
}

/** Roles in a cell of a table. */
export const Roles = ({ roles: had }: Pick<Grant, 'roles'>): JSX.Element => (
  <>
    {had.map((role, index) => (
      <Fragment key={role}>
        {index === 0 ? null : ' '}
        <span class="nowrap">{index === had.length - 1 ? role : `${role},`}</span>
      </Fragment>
    ))}
  </>
);

/** VMs in a cell of a table. */
export const Vms = ({ vms }: Pick<Grant, 'vms'>): JSX.Element =>
  vms === null ? <span class="soft">all</span> : <Text of={vms.join(' ')} />;
