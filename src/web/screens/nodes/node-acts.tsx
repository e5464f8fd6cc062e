import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { NodeAddedOutput, NodesOutput } from '../../../schemas/types.ts';
import { ask, type Answer } from '../../client/ask.ts';
import { may } from '../../client/session.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { absolute, now } from '../../design/moment.ts';
import { plain } from '../../design/text.tsx';
import { go } from '../../shell/router.ts';
import type { EnrolledNode } from './node-state.ts';

const place = '/api/v1/nodes';

/** Lets a node join: its token is shown once. */
export function AddNode({ onChange }: { onChange(): void }): JSX.Element | null {
  const open = useSignal(false);
  const made = useSignal<NodeAddedOutput | null>(null);
  if (!may('administer')) return null;
  return (
    <>
      <button type="button" class="button primary" onClick={() => (open.value = true)}>
        Let a node join
      </button>
      {open.value ? (
        <ActDialog<NodeAddedOutput>
          title="Let a node join"
          act="Make its token"
          onClose={() => (open.value = false)}
          onAct={(form) => ask(place, { method: 'POST', body: { name: String(form.get('name')).trim() } })}
          onDone={(output) => {
            made.value = output;
            onChange();
          }}
        >
          <p class="soft">The token is good once, for an hour.</p>
          <label class="field">
            <span>Name of the node</span>
            <input class="input" name="name" required spellcheck={false} autocomplete="off" />
          </label>
        </ActDialog>
      ) : null}
      {made.value ? <Token made={made.value} onClose={() => (made.value = null)} /> : null}
    </>
  );
}

/** It does not close by a click beside it: the token is not shown again. */
const Token = ({ made, onClose }: { readonly made: NodeAddedOutput; onClose(): void }): JSX.Element => (
  <Dialog title={`The token of ${plain(made.name)}`}>
    <div class="act-form">
      <p>
        It is shown now, and never again. It is good once, until {absolute(made.expires, now.value)}. On the node, this
        asks for it:
      </p>
      <p>
        <code>sendense-node enroll --hub HOST:{made.ssh_port}</code>
      </p>
      <label class="field">
        <span>Token</span>
        <textarea
          class="input mono"
          readOnly
          rows={4}
          value={made.token}
          onFocus={(event) => event.currentTarget.select()}
        />
      </label>
      <p class="soft">
        The hub’s key, which the token pins: <code>{plain(made.host_key)}</code>
      </p>
      <div class="act-buttons">
        <button type="button" class="button primary" onClick={onClose}>
          I have it
        </button>
      </div>
    </div>
  </Dialog>
);

interface Act {
  readonly word: string;
  question(name: string): string;
  readonly means: string;
  readonly destroys?: boolean;
  fits(node: EnrolledNode): boolean;
  send(path: string, form: FormData): Promise<Answer<object>>;
}

const acts: readonly Act[] = [
  {
    word: 'New token',
    question: (name) => `Make a new token for ${name}?`,
    means: 'For a machine that was set up anew. The token is good once, for an hour.',
    fits: () => true,
    send: (path) => ask<NodeAddedOutput>(`${path}/token`, { method: 'POST', body: {} }),
  },
  {
    word: 'Rename',
    question: (name) => `Rename ${name}?`,
    means: 'Change the plans that name it, too.',
    fits: () => true,
    send: (path, form) =>
      ask<NodesOutput>(`${path}/rename`, { method: 'POST', body: { to: String(form.get('to')).trim() } }),
  },
  {
    word: 'Revoke',
    question: (name) => `Revoke ${name}?`,
    means: 'The hub cuts its connection and refuses it from now on. Its runs fail. A new token lets it join again.',
    destroys: true,
    fits: ({ revoked }) => revoked === null,
    send: (path) => ask<NodesOutput>(`${path}/revoke`, { method: 'POST' }),
  },
  {
    word: 'Remove',
    question: (name) => `Remove ${name}?`,
    means: 'The hub cuts its connection and forgets it.',
    destroys: true,
    fits: () => true,
    send: (path) => ask<NodesOutput>(path, { method: 'DELETE' }),
  },
];

/** What an administrator may do with a node. */
export function NodeActs({ node, onChange }: { readonly node: EnrolledNode; onChange(): void }): JSX.Element | null {
  const open = useSignal<Act | null>(null);
  const made = useSignal<NodeAddedOutput | null>(null);
  const act = open.value;
  if (!may('administer')) return null;
  const done = (answer: object): void => {
    if ('token' in answer) made.value = answer as NodeAddedOutput;
    if (act?.word === 'Rename') {
      const [renamed] = (answer as NodesOutput).nodes;
      go(`/nodes/${encodeURIComponent(renamed?.name ?? '')}`, { replace: true });
    }
    if (act?.word === 'Remove') go('/nodes');
    onChange();
  };
  return (
    <div class="act-buttons">
      {acts
        .filter(({ fits }) => fits(node))
        .map((one) => (
          <button key={one.word} type="button" class="button small" onClick={() => (open.value = one)}>
            {one.word}
          </button>
        ))}
      {act ? (
        <ActDialog<object>
          title={act.question(plain(node.name))}
          act={act.word}
          destroys={act.destroys ?? false}
          onClose={() => (open.value = null)}
          onAct={(form) => act.send(`${place}/${encodeURIComponent(node.name)}`, form)}
          onDone={done}
        >
          <p class="soft">{act.means}</p>
          {act.word === 'Rename' ? (
            <label class="field">
              <span>New name</span>
              <input class="input" name="to" required spellcheck={false} autocomplete="off" />
            </label>
          ) : null}
        </ActDialog>
      ) : null}
      {made.value ? <Token made={made.value} onClose={() => (made.value = null)} /> : null}
    </div>
  );
}
