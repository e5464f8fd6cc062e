import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { FilesOutput, RestoreUnlockRequest } from '../../../schemas/types.ts';
import type { OpenPoint } from '../../client/open-point.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { plain } from '../../design/text.tsx';

export interface UnlockProps {
  readonly point: OpenPoint;
  readonly volume: string;
  /** It is open. */
  onDone?(): void;
}

/** To derive a key from a passphrase takes long on purpose, ms. */
const patienceMs = 120_000;

/** Asks for the passphrase of an encrypted volume. Nobody keeps it. */
export function Unlock({ point, volume, onDone }: UnlockProps): JSX.Element {
  const asks = useSignal(false);
  return (
    <>
      <button type="button" class="button small" aria-label={`Unlock ${volume}`} onClick={() => (asks.value = true)}>
        Unlock
      </button>
      {asks.value ? (
        <ActDialog
          title={`Unlock ${plain(volume)}?`}
          act="Unlock"
          onClose={() => (asks.value = false)}
          onAct={(form) => {
            const body: RestoreUnlockRequest = { volume, passphrase: String(form.get('passphrase')) };
            return point.ask<FilesOutput>('unlock', { method: 'POST', body, patienceMs });
          }}
          onDone={() => onDone?.()}
        >
          <p class="soft">The passphrase goes to the sandbox that reads the disks. It is kept nowhere.</p>
          <label class="field">
            <span>Passphrase</span>
            <input class="input" name="passphrase" type="password" autocomplete="off" required maxLength={512} />
          </label>
        </ActDialog>
      ) : null}
    </>
  );
}
