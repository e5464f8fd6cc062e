import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { may } from '../../client/session.ts';
import { Dialog } from '../../design/dialog.tsx';
import { shownPath } from './path-bytes.ts';
import type { Where } from '../../shell/files-place.ts';

export interface CommandProps {
  readonly where: Where;
  /** Bytes of the paths as base64url. */
  readonly paths: readonly string[];
  onClose(): void;
}

/** More places make no line that people copy. */
const mostPlaces = 200;

/** The line that takes the same files out on the hub, with their owners. */
export function Command({ where, paths, onClose }: CommandProps): JSX.Element {
  const copied = useSignal(false);
  const text = commandOf(where, paths);
  return (
    <Dialog title="On the hub" wide onClose={onClose}>
      <div class="act-form">
        <p class="soft">
          It takes the files out with their owners, modes and attributes. It replaces nothing.
          {may('restore') ? (
            <>
              {' '}
              <a href={`/vms/${encodeURIComponent(where.vm)}/restore?point=${encodeURIComponent(where.point)}`}>
                Restore
              </a>{' '}
              takes whole disks, or the VM.
            </>
          ) : null}
        </p>
        {paths.length > mostPlaces ? (
          <p>
            Of {paths.length} places the line names the first {mostPlaces}. Select the folder instead.
          </p>
        ) : null}
        <pre class="command" tabIndex={0} aria-label="The command">
          {text}
        </pre>
        <div class="act-buttons">
          <button
            type="button"
            class="button primary"
            onClick={() => void navigator.clipboard?.writeText(text).then(() => (copied.value = true))}
          >
            {copied.value ? 'Copied' : 'Copy'}
          </button>
          <button type="button" class="button" onClick={onClose}>
            Close
          </button>
        </div>
      </div>
    </Dialog>
  );
}

function commandOf({ vm, point, repository, volume }: Where, paths: readonly string[]): string {
  const places = paths.slice(0, mostPlaces).map((path) => quoted(`${volume}:/${shownPath(path)}`));
  const words = ['sendense-run files get', quoted(`${vm}@${point}`), ...places];
  return [...words, '--repository', quoted(repository), '--to ./restored'].join(' ');
}

/** For a shell. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
