import type { ComponentChildren, JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { BootOutput, HubRestoreTargets } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { ask, newRepeatKey, type Answer } from '../../client/ask.ts';
import { useLive } from '../../client/live.ts';
import { may } from '../../client/session.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { plain } from '../../design/text.tsx';
import { go } from '../../shell/router.ts';
import { noFolder } from '../restore/targets.ts';
import { Screen } from './screen.tsx';

/** The guest has a minute to shut down. */
const patienceMs = 120_000;

interface Asked {
  /** After the address of the VM: `/start`. */
  readonly path: string;
  readonly method?: 'POST' | 'DELETE';
  readonly repeatKey?: string;
  bodyOf?(form: FormData): object;
}

/** Something that can be done with a VM that runs from a restore point. */
interface Act extends Asked {
  /** What its button is called. */
  readonly word: string;
  readonly right: string;
  fits(boot: BootOutput): boolean;
  readonly question: string;
  readonly destroys?: boolean;
  /** What it means, before it is done. */
  words(boot: BootOutput): ComponentChildren;
}

const isOn = ({ state }: BootOutput): boolean => state === 'running' || state === 'paused';
const hasMoved = ({ move }: BootOutput): boolean => move?.done === true;

const acts: readonly Act[] = [
  {
    word: 'Switch off',
    right: 'restore',
    fits: isOn,
    path: '/power-off',
    bodyOf: (form) => (form.get('force') === null ? {} : { force: true }),
    question: 'Switch it off?',
    words: () => (
      <>
        <p class="soft">What its guest wrote stays; you can start it again.</p>
        <label class="check">
          <input type="checkbox" name="force" /> Pull its plug instead of asking the guest
        </label>
      </>
    ),
  },
  {
    word: 'Start',
    right: 'restore',
    fits: ({ state }) => state === 'off' || state === 'failed',
    path: '/start',
    question: 'Start it again?',
    words: () => <p class="soft">It goes on with what its guest wrote.</p>,
  },
  {
    word: 'Keep',
    right: 'keep',
    fits: (boot) => !hasMoved(boot),
    path: '/keep',
    bodyOf: () => ({}),
    question: 'Make a restore point of what it wrote?',
    words: ({ written_bytes: bytes }) => (
      <p class="soft">
        {formatBytes(bytes)} are copied into the repository; the guest is paused meanwhile. The restore point is a side
        branch that no backup is built on.
      </p>
    ),
  },
  {
    word: 'Move',
    right: 'restore',
    fits: (boot) => isOn(boot) && !hasMoved(boot),
    path: '/move',
    bodyOf: (form) => ({ directory: String(form.get('directory')).trim() }),
    question: 'Move its disks to their place?',
    words: ({ move, vm }) => <MoveTo directory={move?.directory} vm={vm} />,
  },
  {
    word: 'End',
    right: 'restore',
    fits: () => true,
    path: '',
    method: 'DELETE',
    question: 'End it?',
    destroys: true,
    words: (boot) => (
      <p>
        {hasMoved(boot)
          ? `Its disks have moved to ${plain(boot.move?.directory ?? '')}, and stay.`
          : `The ${formatBytes(boot.written_bytes)} that its guest wrote are lost${boot.move === null ? '' : ', and what was copied so far, too'}.`}
      </p>
    ),
  },
];

/** What the reader may do with a VM that runs from a restore point. */
export function BootActs({ boot, onChange }: { readonly boot: BootOutput; onChange(): void }): JSX.Element | null {
  const open = useSignal<{ readonly act: Act; readonly key: string } | null>(null);
  const screen = useSignal(false);
  const mine = acts.filter((act) => may(act.right) && act.fits(boot));
  const asked = open.value;
  const name = plain(boot.vm);
  const close = (): void => void (open.value = null);
  const done = (act: Act, answer: { readonly run_id?: string }): void =>
    act.path === '/keep' && answer.run_id !== undefined ? go(`/runs/${encodeURIComponent(answer.run_id)}`) : onChange();
  return (
    <div class="act-buttons">
      {may('restore') && isOn(boot) ? (
        <button
          type="button"
          class="button small"
          aria-label={`Screen of ${name}`}
          onClick={() => (screen.value = true)}
        >
          Screen
        </button>
      ) : null}
      {mine.map((act) => (
        <button
          key={act.word}
          type="button"
          class="button small"
          aria-label={`${act.word} ${name}`}
          onClick={() => (open.value = { act, key: newRepeatKey() })}
        >
          {act.word}
        </button>
      ))}
      {screen.value ? <Screen boot={boot} onClose={() => (screen.value = false)} /> : null}
      {asked ? (
        <ActDialog<{ readonly run_id?: string }>
          title={asked.act.question}
          act={asked.act.word}
          destroys={asked.act.destroys ?? false}
          onClose={close}
          onAct={(form) => send(boot, { ...asked.act, repeatKey: asked.key }, form)}
          onDone={(answer) => done(asked.act, answer)}
        >
          <p>
            {name} <span class="soft mono">{boot.id}</span>
          </p>
          {asked.act.words(boot)}
        </ActDialog>
      ) : null}
    </div>
  );
}

const send = (
  { id }: BootOutput,
  { path, method = 'POST', bodyOf, repeatKey }: Asked,
  form: FormData,
): Promise<Answer<{ readonly run_id?: string }>> =>
  ask(`/api/v1/boots/${encodeURIComponent(id)}${path}`, {
    method,
    ...(bodyOf ? { body: bodyOf(form) } : {}),
    repeatKey: path === '/keep' ? repeatKey : undefined,
    patienceMs,
  });

function MoveTo({ directory, vm }: { readonly directory: string | undefined; readonly vm: string }): JSX.Element {
  const known = useLive<HubRestoreTargets>('/api/v1/restores/targets', { everyMs: 60_000 });
  const place = known.data.value?.folders[0];
  if (!known.data.value) return <p class="soft">The hub is asked where it may write…</p>;
  if (place === undefined && directory === undefined) return <p>{noFolder}</p>;
  return (
    <>
      <p class="soft">The guest goes on meanwhile. When all is there, it needs the repository no more.</p>
      <label class="field">
        <span>Folder on the hub</span>
        <input
          class="input"
          name="directory"
          defaultValue={directory ?? (place === undefined ? '' : `${place}/${vm}`)}
          readOnly={directory !== undefined}
          required
          spellcheck={false}
        />
      </label>
    </>
  );
}
