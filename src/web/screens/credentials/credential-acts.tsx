import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { CredentialsOutput, CredentialsTestOutput, HubCredentialAdd } from '../../../schemas/types.ts';
import { plural } from '../../../view/format.ts';
import { ask } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { plain, Text } from '../../design/text.tsx';

export type Credential = CredentialsOutput['credentials'][number];

const place = '/api/v1/credentials';
const placeOf = ({ name }: Credential): string => `${place}/${encodeURIComponent(name)}`;
const textOf = (form: FormData, name: string): string => String(form.get(name) ?? '');

/** A node logs in somewhere else. */
const patienceMs = 90_000;

interface ActProps {
  readonly credential: Credential;
  onClose(): void;
  onChange(): void;
}

const Secret = (): JSX.Element => (
  <label class="field">
    <span>Password at the source</span>
    <input class="input" name="secret" type="password" autocomplete="off" required />
  </label>
);

export const AddCredential = ({ onClose, onChange }: Omit<ActProps, 'credential'>): JSX.Element => (
  <ActDialog<CredentialsOutput>
    title="Add a credential"
    act="Add"
    onClose={onClose}
    onAct={(form) => {
      const body: HubCredentialAdd = {
        name: textOf(form, 'name').trim(),
        user: textOf(form, 'user').trim(),
        password: textOf(form, 'secret'),
      };
      return ask(place, { method: 'POST', body });
    }}
    onDone={onChange}
  >
    <label class="field">
      <span>Name</span>
      <input class="input" name="name" required spellcheck={false} autocomplete="off" />
    </label>
    <label class="field">
      <span>User at the source</span>
      <input
        class="input"
        name="user"
        placeholder="backup@vsphere.local"
        required
        spellcheck={false}
        autocomplete="off"
      />
    </label>
    <Secret />
  </ActDialog>
);

export const ChangePassword = ({ credential, onClose, onChange }: ActProps): JSX.Element => (
  <ActDialog<CredentialsOutput>
    title={`A new password for ${plain(credential.name)}`}
    act="Store"
    onClose={onClose}
    onAct={(form) => ask(placeOf(credential), { method: 'PUT', body: { password: textOf(form, 'secret') } })}
    onDone={onChange}
  >
    <p class="soft">
      Change it at the source first. The next run logs in as <Text of={credential.user ?? ''} /> with what you type
      here.
    </p>
    <Secret />
  </ActDialog>
);

export function RemoveCredential({ credential, onClose, onChange }: ActProps): JSX.Element {
  const { sources, plans } = credential.used_by;
  const isUsed = sources.length + plans.length > 0;
  return (
    <ActDialog<CredentialsOutput>
      title={`Remove ${plain(credential.name)}?`}
      act="Remove"
      destroys
      onClose={onClose}
      onAct={(form) =>
        ask(`${placeOf(credential)}${form.get('force') === null ? '' : '?force=true'}`, { method: 'DELETE' })
      }
      onDone={onChange}
    >
      <p class="soft">Its password is gone then.</p>
      {isUsed ? (
        <label class="check">
          <input type="checkbox" name="force" /> Remove it although {usersOf(credential)} it. They fail from then on.
        </label>
      ) : null}
    </ActDialog>
  );
}

/** `1 source and 2 plans use` */
function usersOf({ used_by: { sources, plans } }: Credential): string {
  const users = [
    ...(sources.length === 0 ? [] : [plural(sources.length, 'source')]),
    ...(plans.length === 0 ? [] : [plural(plans.length, 'plan')]),
  ];
  return `${users.join(' and ')} ${sources.length + plans.length === 1 ? 'uses' : 'use'}`;
}

export function TestCredential({ credential, onClose }: ActProps): JSX.Element {
  const found = useSignal<CredentialsTestOutput | null>(null);
  const result = found.value;
  if (result)
    return (
      <Dialog title={result.ok ? 'It works' : 'It is not enough'} onClose={onClose}>
        <p>
          <Text of={result.user} /> logged in at <Text of={result.source} />: {plain(result.about.full_name)}
        </p>
        {result.missing.length === 0 ? null : (
          <>
            <p>These privileges are missing:</p>
            <ul class="plain-list">
              {result.missing.map((one) => (
                <li key={one.privilege}>
                  <code>{plain(one.privilege)}</code> <span class="soft">{plain(one.why)}</span>
                </li>
              ))}
            </ul>
          </>
        )}
        {result.warnings.map((warning) => (
          <p key={warning}>{plain(warning)}</p>
        ))}
        <div class="act-buttons">
          <button type="button" class="button primary" onClick={onClose}>
            Close
          </button>
        </div>
      </Dialog>
    );
  return (
    <TestDialog
      credential={credential}
      onClose={() => {
        if (found.peek() === null) onClose();
      }}
      onFound={(output) => (found.value = output)}
    />
  );
}

const TestDialog = ({
  credential,
  onClose,
  onFound,
}: {
  readonly credential: Credential;
  onClose(): void;
  onFound(output: CredentialsTestOutput): void;
}): JSX.Element => (
  <ActDialog<CredentialsTestOutput>
    title={`Try ${plain(credential.name)}?`}
    act="Log in"
    onClose={onClose}
    onAct={async (form) => {
      const source = textOf(form, 'source').trim();
      const purpose = form.get('restore') === null ? 'backup' : 'restore';
      const body = { ...(source === '' ? {} : { source }), purpose };
      const answer = await ask<CredentialsTestOutput>(`${placeOf(credential)}/test`, {
        method: 'POST',
        body,
        patienceMs,
      });
      if (answer.ok === true) onFound(answer.body);
      return answer;
    }}
    onDone={() => {}}
  >
    <p class="soft">A node logs in at the source, and compares the privileges. It changes nothing there.</p>
    <label class="field">
      <span>Source</span>
      <input class="input" name="source" defaultValue={credential.used_by.sources[0] ?? ''} spellcheck={false} />
    </label>
    <label class="check">
      <input type="checkbox" name="restore" /> For restores, too
    </label>
  </ActDialog>
);
