import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubDiscoveredVm } from '../../../schemas/types.ts';
import { Dialog } from '../../design/dialog.tsx';
import { plain } from '../../design/text.tsx';

/** A word that a shell reads as it stands. */
const quoted = (word: string): string =>
  /^[\w./:@%+=-]+$/.test(word) ? word : `'${plain(word).replaceAll("'", `'\\''`)}'`;

/** Says how a plan for a VM is written. */
export function WritePlan({ source, vm }: { readonly source: string; readonly vm: HubDiscoveredVm }): JSX.Element {
  const open = useSignal(false);
  const close = (): void => void (open.value = false);
  const command = `sendense-run discover ${quoted(source)} --vm=${quoted(vm.path ?? vm.name)} --write-plan`;
  return (
    <>
      <button
        type="button"
        class="button small"
        aria-label={`Write a plan for ${plain(vm.name)}`}
        onClick={() => (open.value = true)}
      >
        Write a plan
      </button>
      {open.value ? (
        <Dialog title={`A plan for ${plain(vm.name)}`} onClose={close}>
          <div class="act-form">
            <p>On the hub, in the folder of your plans:</p>
            <pre class="mono">{command}</pre>
            <p class="soft">
              It writes a plan for every night, with what stands in the way as comments, and never over a file. The
              daemon takes it up by itself.
            </p>
            <div class="act-buttons">
              <button type="button" class="button" onClick={() => void navigator.clipboard?.writeText(command)}>
                Copy the command
              </button>
              <button type="button" class="button" onClick={close}>
                Close
              </button>
            </div>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
