import type { JSX } from 'preact';
import { useSignal, type ReadonlySignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Dialog } from '../../design/dialog.tsx';
import { go, guardPlace } from '../../shell/router.ts';

/** Asks before the reader leaves what is not saved. */
export function Leaving({ dirty }: { readonly dirty: ReadonlySignal<boolean> }): JSX.Element | null {
  const to = useSignal<string | null>(null);
  useEffect(() => {
    const unload = (event: BeforeUnloadEvent): void => {
      if (dirty.peek()) event.preventDefault();
    };
    const end = guardPlace((next) => {
      if (!dirty.peek()) return true;
      to.value = next;
      return false;
    });
    addEventListener('beforeunload', unload);
    return () => {
      end();
      removeEventListener('beforeunload', unload);
    };
  }, [dirty]);
  if (to.value === null) return null;
  const next = to.value;
  return (
    <Dialog title="Leave without saving?" onClose={() => (to.value = null)}>
      <div class="act-form">
        <p class="soft">Your text is still here when you come back, until you close this tab of the browser.</p>
        <div class="act-buttons">
          <button type="button" class="button primary" onClick={() => (to.value = null)}>
            Stay
          </button>
          <button type="button" class="button" onClick={() => go(next, { leave: true })}>
            Leave
          </button>
        </div>
      </div>
    </Dialog>
  );
}
