import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ErrorOutput, PruneOutput, RestorePointOutput, RunStartedOutput } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { ask, newRepeatKey } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { absolute, exact, now } from '../../design/moment.ts';
import { ErrorNotice } from '../../design/notice.tsx';
import { Advice, plain } from '../../design/text.tsx';
import { go } from '../../shell/router.ts';

export interface RemovePointProps {
  readonly point: RestorePointOutput;
  onClose(): void;
}

/** A process of its own reads the marks and files of the VM at the hub. */
const patienceMs = 120_000;

/** Removes a restore point, after it has shown what that does. One that has to stay is told with the reason. */
export function RemovePoint({ point, onClose }: RemovePointProps): JSX.Element {
  const foreseen = useSignal<Foreseen | null>(null);
  const key = useSignal(newRepeatKey());
  const at = `/api/v1/backups/${encodeURIComponent(point.backup_id)}`;
  const query = `?repository=${encodeURIComponent(point.repository)}`;
  useEffect(() => {
    const gone = new AbortController();
    const look = async (): Promise<void> => {
      const question = { method: 'POST', patienceMs, signal: gone.signal } as const;
      const answer = await ask<PruneOutput>(`${at}/prune-preview${query}`, question);
      if (answer.ok !== 'unchanged') foreseen.value = answer.ok ? foreseenOf(answer.body, point) : answer.trouble;
    };
    look().catch(() => undefined);
    return () => gone.abort();
  }, []);
  const { value: ahead } = foreseen;
  if (ahead === null || 'code' in ahead || 'stays' in ahead) return <Stays {...{ point, ahead, onClose }} />;
  return (
    <ActDialog<RunStartedOutput>
      title="Remove this restore point?"
      act="Remove"
      destroys
      onClose={onClose}
      onAct={() => ask(`${at}${query}`, { method: 'DELETE', repeatKey: key.value, patienceMs })}
      onDone={({ run_id: id }) => go(`/runs/${encodeURIComponent(id)}`)}
    >
      <p>{exact(point.created)}</p>
      <ul class="plain-list" aria-label="What that does">
        {ahead.means.map((text) => (
          <li key={text}>{plain(text)}</li>
        ))}
      </ul>
    </ActDialog>
  );
}

/** Nothing is known yet, or it does not go. */
const Stays = ({ point, ahead, onClose }: RemovePointProps & { readonly ahead: Stay | null }): JSX.Element => (
  <Dialog title={ahead === null ? 'Remove this restore point?' : 'This restore point stays'} onClose={onClose}>
    <div class="act-form">
      <p>{exact(point.created)}</p>
      {ahead === null ? <p role="status">The hub works out what that would do…</p> : null}
      {ahead && 'code' in ahead ? <ErrorNotice error={ahead} alert /> : null}
      {ahead && 'stays' in ahead ? (
        <p role="status">
          <Advice of={ahead.stays} />
        </p>
      ) : null}
      <div class="act-buttons">
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
    </div>
  </Dialog>
);

type Stay = ErrorOutput | { readonly stays: string };
type Foreseen = Stay | { readonly means: readonly string[] };

function foreseenOf({ vms, freed }: PruneOutput, { backup_id: id }: RestorePointOutput): Foreseen {
  const error = vms.find((vm) => vm.error !== null)?.error;
  if (error) return error;
  const points = vms.flatMap((vm) => vm.points);
  const own = points.find(({ backup_id: other }) => other === id);
  if (own === undefined) return { stays: 'It is not there any more.' };
  if (own.keep) return { stays: own.reasons.map(sentence).join(' ') };
  const { at_least: least, at_most: most } = freed;
  const heirs = points.filter(({ backup_id: other }) => own.merges.some(({ into }) => into === other));
  return {
    means: [
      least === most
        ? `It frees ${formatBytes(most)}.`
        : `It frees between ${formatBytes(least)} and ${formatBytes(most)}.`,
      ...heirs.map(
        ({ created }) =>
          `The restore point of ${absolute(created, now.value)} is built on it: what that needs is merged into it.`,
      ),
      ...vms.flatMap((vm) => vm.remarks),
      'A run removes it. Nothing brings it back.',
    ],
  };
}

/** What the rules of a prune call it: `newest`, `stays: somebody reads it`. */
function sentence(reason: string): string {
  if (reason === 'newest') return 'It is the newest sound one of its VM. It can go once there is a newer one.';
  if (reason === 'protected') return 'It is protected. Unprotect it first.';
  const words = reason.replace(/^stays: /, '');
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
}
