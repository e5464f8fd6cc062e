import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import type { BootOutput } from '../../../schemas/types.ts';
import { askPicture, type Trouble } from '../../client/ask.ts';
import { Dialog } from '../../design/dialog.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { plain } from '../../design/text.tsx';

/** What the guest shows at this moment. */
export function Screen({ boot, onClose }: { readonly boot: BootOutput; onClose(): void }): JSX.Element {
  const picture = useSignal<string | undefined>(undefined);
  const trouble = useSignal<Trouble | undefined>(undefined);
  const look = async (signal: AbortSignal): Promise<void> => {
    const path = `/api/v1/boots/${encodeURIComponent(boot.id)}/screenshot`;
    const answer = await askPicture(path, signal).catch(() => undefined);
    if (signal.aborted || answer === undefined) return;
    trouble.value = answer.ok === false ? answer.trouble : undefined;
    if (answer.ok !== true) return;
    if (picture.peek() !== undefined) URL.revokeObjectURL(picture.peek() ?? '');
    picture.value = URL.createObjectURL(answer.body);
  };
  useEffect(() => {
    const gone = new AbortController();
    void look(gone.signal);
    return () => {
      gone.abort();
      if (picture.peek() !== undefined) URL.revokeObjectURL(picture.peek() ?? '');
    };
  }, []);
  return (
    <Dialog title={`Screen of ${plain(boot.vm)}`} onClose={onClose}>
      {trouble.value ? <ErrorNotice error={trouble.value} alert /> : null}
      {picture.value === undefined ? (
        <p class="soft">The hub takes a picture…</p>
      ) : (
        <img class="screen-picture" src={picture.value} alt={`What ${plain(boot.vm)} shows`} />
      )}
      <div class="act-buttons">
        <button type="button" class="button" onClick={() => void look(new AbortController().signal)}>
          Look again
        </button>
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
