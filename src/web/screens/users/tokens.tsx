import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { NewTokenOutput, TokenCreateRequest, TokensOutput } from '../../../schemas/types.ts';
import { ask } from '../../client/ask.ts';
import { useLive } from '../../client/live.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { endOfDays, SelectField } from '../../design/select-field.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { now } from '../../design/moment.ts';
import { Table, type Column } from '../../design/table.tsx';
import { Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { GrantFields, grantOf, Roles, Vms } from './grants.tsx';
import { Listed } from './listed.tsx';

type Token = TokensOutput['tokens'][number];

/** For how long a token is good, days. */
const spans = [
  { value: '90', word: '90 days' },
  { value: '30', word: '30 days' },
  { value: '365', word: 'a year' },
  { value: '', word: 'as long as nobody revokes it' },
] as const;

const columns = (revoke: (name: string) => void): readonly Column<Token>[] => [
  { id: 'name', title: 'Name', named: true, cell: ({ name }) => <Text of={name} /> },
  { id: 'roles', title: 'May do', cell: (token) => <Roles roles={token.roles} /> },
  { id: 'vms', title: 'VMs', cell: (token) => <Vms vms={token.vms} /> },
  {
    id: 'ends',
    title: 'Ends',
    cell: ({ expires }) =>
      expires !== null && expires <= now.value ? (
        <>
          ended, <Time at={expires} />
        </>
      ) : (
        <Time at={expires} />
      ),
  },
  {
    id: 'used',
    title: 'Last used',
    cell: ({ used, address }) => (
      <>
        <Time at={used} />
        {address === null ? null : (
          <span class="soft">
            {' '}
            from <Text of={address} />
          </span>
        )}
      </>
    ),
  },
  { id: 'by', title: 'Made by', cell: ({ created_by: by }) => <Text of={by} /> },
  {
    id: 'acts',
    title: 'Change',
    numeric: true,
    cell: ({ name }) => (
      <span class="row-acts">
        <button type="button" class="button small" aria-label={`Revoke: ${name}`} onClick={() => revoke(name)}>
          Revoke
        </button>
      </span>
    ),
  },
];

/** What scripts call the API with. */
export function Tokens(): JSX.Element {
  const list = useLive<TokensOutput>('/api/v1/tokens', { everyMs: 10_000 });
  const adding = useSignal(false);
  const made = useSignal<NewTokenOutput | null>(null);
  const revoking = useSignal<string | null>(null);
  const tokens = list.data.value?.tokens;
  return (
    <Listed
      title="Tokens"
      act="Make a token"
      onAct={() => (adding.value = true)}
      trouble={list.trouble.value}
      empty={
        tokens?.length === 0
          ? { title: 'No script has a token.', next: 'Make one for each script that calls the API.' }
          : null
      }
    >
      {tokens && tokens.length > 0 ? (
        <Table
          caption="Tokens"
          columns={columns((name) => (revoking.value = name))}
          rows={tokens}
          keyOf={({ name }) => name}
        />
      ) : null}
      {adding.value ? (
        <MakeToken
          onClose={() => (adding.value = false)}
          onDone={(output) => {
            made.value = output;
            list.again();
          }}
        />
      ) : null}
      {made.value ? <Secret made={made.value} onClose={() => (made.value = null)} /> : null}
      {revoking.value === null ? null : (
        <ActDialog
          title={`Revoke the token ${revoking.value}?`}
          act="Revoke"
          destroys
          onClose={() => (revoking.value = null)}
          onDone={list.again}
          onAct={() =>
            ask<TokensOutput>(`/api/v1/tokens/${encodeURIComponent(revoking.value ?? '')}`, { method: 'DELETE' })
          }
        >
          <p class="soft">The hub refuses it from now on. A script that has it fails.</p>
        </ActDialog>
      )}
    </Listed>
  );
}

const MakeToken = ({ onClose, onDone }: { onClose(): void; onDone(made: NewTokenOutput): void }): JSX.Element => (
  <ActDialog
    title="Make a token"
    act="Make it"
    onClose={onClose}
    onDone={onDone}
    onAct={(form) => {
      const expires = endOfDays(form.get('span'));
      const body: TokenCreateRequest = { name: String(form.get('token')).trim(), expires, ...grantOf(form) };
      return ask<NewTokenOutput>('/api/v1/tokens', { method: 'POST', body });
    }}
  >
    <label class="field">
      <span>Name</span>
      <input
        class="input"
        name="token"
        required
        maxLength={63}
        autocomplete="off"
        spellcheck={false}
        autocapitalize="none"
        placeholder="of the script that gets it"
      />
    </label>
    <SelectField label="Good for" name="span" options={spans} />
    <GrantFields roles={['viewer']} vms={null} />
  </ActDialog>
);

/** The one time that it is seen. It closes only by its button. */
function Secret({ made, onClose }: { readonly made: NewTokenOutput; onClose(): void }): JSX.Element {
  const copied = useSignal(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(made.secret);
      copied.value = true;
    } catch {
      // Without TLS a browser lets a page copy on its own machine only: then one copies what is marked.
      document.querySelector<HTMLTextAreaElement>('#made-secret')?.select();
    }
  };
  return (
    <Dialog title={`The token ${made.tokens[0]?.name ?? ''}`}>
      <div class="act-form">
        <p class="soft">Copy it now. The hub keeps only its digest, so nothing shows it again.</p>
        <label class="field">
          <span>Token</span>
          <textarea id="made-secret" class="input mono" readOnly rows={2} value={made.secret} />
        </label>
        <p class="soft">
          A script sends it as <code>Authorization: Bearer …</code>
        </p>
        <div class="act-buttons">
          <button type="button" class="button primary" onClick={() => void copy()}>
            {copied.value ? 'Copied' : 'Copy'}
          </button>
          <button type="button" class="button" onClick={onClose}>
            I have it
          </button>
        </div>
        <span class="only-read" role="status">
          {copied.value ? 'The token is copied.' : ''}
        </span>
      </div>
    </Dialog>
  );
}
