import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import type { UserAddRequest, UsersOutput } from '../../../schemas/types.ts';
import { ask, type Answer } from '../../client/ask.ts';
import { useLive } from '../../client/live.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { GrantFields, grantOf } from './grants.tsx';

export type User = UsersOutput['users'][number];

interface ActProps {
  readonly name: string;
  onClose(): void;
  /** Something has changed. */
  onDone(): void;
}

const place = '/api/v1/users';
const placeOf = (name: string): string => `${place}/${encodeURIComponent(name)}`;

/** A new password, twice: nobody sees what is typed. The names of the fields are not those of one's own password. */
export function NewPassword({ title = 'Password' }: { readonly title?: string }): JSX.Element {
  const hint = useId();
  return (
    <>
      <div class="hinted">
        <label class="field">
          <span>{title}</span>
          <input
            class="input"
            name="chosen"
            type="password"
            autocomplete="new-password"
            minLength={12}
            required
            aria-describedby={hint}
          />
        </label>
        <span class="hint" id={hint}>
          At least 12 characters, such as four random words.
        </span>
      </div>
      <label class="field">
        <span>{title} again</span>
        <input
          class="input"
          name="repeated"
          type="password"
          autocomplete="new-password"
          required
          onInput={({ currentTarget: field }) => {
            const first = field.form?.querySelector<HTMLInputElement>('[name=chosen]')?.value;
            field.setCustomValidity(first === field.value ? '' : 'This is not what you typed above.');
          }}
        />
      </label>
    </>
  );
}

/** As `name` of schemas/common.json. */
const faultOfName = (name: string): string =>
  name.trim() === '' || /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name.trim())
    ? ''
    : 'Letters, digits, dot, dash and underscore, without spaces; begin with a letter or digit.';

export const AddUser = ({ onClose, onDone }: Omit<ActProps, 'name'>): JSX.Element => (
  <ActDialog
    title="Add a user"
    act="Add"
    onClose={onClose}
    onDone={onDone}
    onAct={(form) => {
      const given = { name: String(form.get('user')).trim(), password: String(form.get('chosen')) };
      const body: UserAddRequest = { ...given, ...grantOf(form) };
      return ask<UsersOutput>(place, { method: 'POST', body });
    }}
  >
    <label class="field">
      <span>Name</span>
      <input
        class="input"
        name="user"
        required
        maxLength={63}
        autocomplete="off"
        spellcheck={false}
        autocapitalize="none"
        onInput={({ currentTarget: field }) => field.setCustomValidity(faultOfName(field.value))}
      />
    </label>
    <NewPassword />
    <GrantFields roles={['viewer']} vms={null} />
  </ActDialog>
);

export const SetPassword = ({ name, onClose, onDone }: ActProps): JSX.Element => (
  <ActDialog
    title={`A new password for ${name}`}
    act="Set password"
    onClose={onClose}
    onDone={onDone}
    onAct={(form) =>
      ask<UsersOutput>(`${placeOf(name)}/password`, { method: 'PUT', body: { password: String(form.get('chosen')) } })
    }
  >
    <p class="soft">All sessions of {name} end.</p>
    <NewPassword />
  </ActDialog>
);

/** Reads the user first: if somebody else changes it meanwhile, the hub refuses, and nothing is lost. */
export function SetRoles({ name, onClose, onDone }: ActProps): JSX.Element | null {
  // Once: what is asked must be what was shown.
  const read = useLive<UsersOutput>(placeOf(name), { everyMs: 3_600_000 });
  const shown = useSignal<{ readonly user: User; readonly tag: string } | null>(null);
  const [user] = read.data.value?.users ?? [];
  if (shown.value === null && user && read.etag.value !== null) shown.value = { user, tag: read.etag.value };
  if (shown.value === null)
    return read.trouble.value ? (
      <Dialog title={`What ${name} may do`} onClose={onClose}>
        <ErrorNotice error={read.trouble.value} alert />
      </Dialog>
    ) : null;
  const { user: before, tag } = shown.value;
  return (
    <ActDialog
      title={`What ${name} may do`}
      act="Change"
      onClose={onClose}
      onDone={onDone}
      onAct={(form) => ask<UsersOutput>(`${placeOf(name)}/roles`, { method: 'PUT', body: grantOf(form), ifMatch: tag })}
    >
      <p class="soft">All sessions of {name} end.</p>
      <GrantFields roles={before.roles} vms={before.vms} />
    </ActDialog>
  );
}

interface Question {
  readonly title: string;
  readonly act: string;
  readonly says: string;
  readonly destroys?: boolean;
  ask(): Promise<Answer<UsersOutput>>;
}

const any = '*';

/** What takes a question and no more. */
const questions = {
  disable: (name: string): Question => ({
    title: `Let ${name} log in no more?`,
    act: 'Disable',
    says: `All sessions of ${name} end. Roles and password stay, so that you can enable ${name} again.`,
    ask: () => ask(`${placeOf(name)}/disable`, { method: 'POST', ifMatch: any }),
  }),
  enable: (name: string): Question => ({
    title: `Let ${name} log in again?`,
    act: 'Enable',
    says: `${name} has the roles and the password of before.`,
    ask: () => ask(`${placeOf(name)}/enable`, { method: 'POST', ifMatch: any }),
  }),
  remove: (name: string): Question => ({
    title: `Remove ${name}?`,
    act: 'Remove',
    destroys: true,
    says: `All sessions of ${name} end. Tokens that ${name} made stay: look at them below.`,
    ask: () => ask(placeOf(name), { method: 'DELETE' }),
  }),
  logOut: (name: string): Question => ({
    title: `Log ${name} out everywhere?`,
    act: 'Log out',
    says: `All sessions of ${name} end. With the password ${name} can log in again.`,
    ask: () => ask(`${placeOf(name)}/sessions`, { method: 'DELETE' }),
  }),
} as const;

export type Asked = keyof typeof questions;

export function AskAbout({ what, name, onClose, onDone }: ActProps & { readonly what: Asked }): JSX.Element {
  const { title, act, says, destroys = false, ask: act1 } = questions[what](name);
  return (
    <ActDialog title={title} act={act} destroys={destroys} onClose={onClose} onDone={onDone} onAct={act1}>
      <p class="soft">{says}</p>
    </ActDialog>
  );
}
