import type { ComponentChildren, JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Answer, Trouble } from '../client/ask.ts';
import { atProvider, provePassword, session } from '../client/session.ts';
import { Dialog } from './dialog.tsx';
import { ErrorNotice } from './notice.tsx';

export interface ActDialogProps<Body> {
  /** The question. */
  readonly title: string;
  /** What the button that does it is called. */
  readonly act: string;
  /** What the button that leaves all as it is is called. */
  readonly keep?: string;
  /** Something is lost by it for good, or stops. */
  readonly destroys?: boolean;
  readonly children?: ComponentChildren;
  /** It shows texts. */
  readonly wide?: boolean;
  onClose(): void;
  /** Does it. What was typed is in the form. */
  onAct(form: FormData): Promise<Answer<Body>>;
  /** It was done; the dialog has closed. */
  onDone(body: Body): void;
}

/**
 * Asks before something is done. If the hub refuses it, its words stand here, and what was typed stays; if it wants the password
 * again, there is a place for it.
 */
export function ActDialog<Body>({
  title,
  act,
  keep = 'Not now',
  destroys = false,
  children,
  wide = false,
  onClose,
  onAct,
  onDone,
}: ActDialogProps<Body>): JSX.Element {
  const trouble = useSignal<Trouble | undefined>(undefined);
  const busy = useSignal(false);
  const stale = useSignal(false);
  const shown = useRef<HTMLFormElement>(null);
  // In a long form it may be out of sight.
  useEffect(() => shown.current?.querySelector('[role=alert]')?.scrollIntoView({ block: 'nearest' }), [trouble.value]);
  useEffect(() => shown.current?.querySelector<HTMLInputElement>('[name=password]')?.focus(), [stale.value]);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    busy.value = true;
    const given = new FormData(form);
    const password = given.get('password');
    const refused = password === null ? undefined : await provePassword(String(password));
    const answer = refused ? ({ ok: false, trouble: refused } as const) : await onAct(given);
    busy.value = false;
    stale.value ||= answer.ok === false && answer.trouble.code === 'access.stale';
    trouble.value = answer.ok === false ? answer.trouble : undefined;
    if (answer.ok !== true) return;
    onClose();
    onDone(answer.body);
  };
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <form
        class="act-form"
        ref={shown}
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy.value) void submit(event.currentTarget);
        }}
      >
        {children}
        {trouble.value ? <ErrorNotice error={trouble.value} alert /> : null}
        {stale.value && session.value?.kind === 'oidc' ? (
          <p>
            <a href={atProvider('/account', true)} target="_blank" rel="noopener">
              Type your password at the identity provider
            </a>
            , then come back here. What you typed stays.
          </p>
        ) : null}
        {stale.value && session.value?.kind !== 'oidc' ? (
          <label class="field">
            <span>Your password</span>
            <input class="input" name="password" type="password" autocomplete="current-password" required />
          </label>
        ) : null}
        <div class="act-buttons">
          <button type="submit" class={destroys ? 'button destroys' : 'button primary'} aria-disabled={busy.value}>
            {busy.value ? 'Asking the hub…' : act}
          </button>
          <button type="button" class="button" onClick={onClose}>
            {keep}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
