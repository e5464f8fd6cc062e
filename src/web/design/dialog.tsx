import './controls.css';
import type { ComponentChildren, JSX, TargetedMouseEvent } from 'preact';
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useId, useRef } from 'preact/hooks';

export interface DialogProps {
  readonly title: string;
  /** There is much to see. */
  readonly wide?: boolean;
  readonly children: ComponentChildren;
  /** Escape, or a click beside it. Without it the dialog stays. */
  onClose?(): void;
}

/** A second click on the button that has opened a dialog is not one beside it, ms. */
const doubleClickMs = 500;

/** A question that has to be answered first. The browser keeps the focus inside; it goes back to where it was. */
export function Dialog({ title, wide = false, children, onClose }: DialogProps): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  const pressedBeside = useRef(false);
  const typed = useRef(false);
  const opened = useRef(0);
  const asks = useSignal(false);
  /** What was typed is not lost by one key. */
  const mayLeave = (): boolean => {
    if (!typed.current || asks.peek()) return true;
    asks.value = true;
    return false;
  };
  const name = useId();
  // With the page, not after it: a key that is pressed at once is for the dialog.
  useLayoutEffect(() => {
    const { current } = element;
    const before = document.activeElement;
    current?.showModal();
    opened.current = performance.now();
    // It begins at its title, though the focus be at the buttons below a long text.
    current?.scrollTo(0, 0);
    return () => {
      current?.close();
      // The browser gives it back only where the dialog is still in the document.
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      class={wide ? 'dialog wide' : 'dialog'}
      ref={element}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault();
        if (mayLeave()) onClose?.();
      }}
      onClose={() => {
        // Chromium does not ask each time that Escape is pressed: then it has closed it already.
        const { current } = element;
        if (!current?.isConnected || current.open) return;
        if (onClose && mayLeave()) onClose();
        else current.showModal();
      }}
      onMouseDown={(event) => (pressedBeside.current = isBeside(event))}
      onClick={(event) => {
        // Not at the end of a selection that began inside, nor between the fields.
        if (!pressedBeside.current || !isBeside(event) || typed.current) return;
        if (performance.now() - opened.current > doubleClickMs) onClose?.();
      }}
      onInput={() => {
        typed.current = true;
        asks.value = false;
      }}
    >
      <h2 id={name}>{title}</h2>
      {onClose && asks.value ? (
        <p class="soft" role="status">
          Press <kbd>Esc</kbd> again to leave. What you typed is lost then.
        </p>
      ) : null}
      {children}
    </dialog>
  );
}

/** Whether the mouse is on what the dialog covers, which counts as the dialog itself. */
function isBeside({ target, currentTarget, clientX: x, clientY: y }: TargetedMouseEvent<HTMLDialogElement>): boolean {
  const { left, right, top, bottom } = currentTarget.getBoundingClientRect();
  return target === currentTarget && (x < left || x > right || y < top || y > bottom);
}
