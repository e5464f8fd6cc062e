import './controls.css';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

export interface DialogProps {
  readonly title: string;
  /** There is much to see. */
  readonly wide?: boolean;
  readonly children: ComponentChildren;
  /** Escape, or a click beside it. Without it the dialog stays. */
  onClose?(): void;
}

/** A question that has to be answered first. The browser keeps the focus inside and gives it back. */
export function Dialog({ title, wide = false, children, onClose }: DialogProps): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const { current } = element;
    current?.showModal();
    return () => current?.close();
  }, []);
  return (
    <dialog
      class={wide ? 'dialog wide' : 'dialog'}
      ref={element}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose?.();
      }}
    >
      <h2 id={name}>{title}</h2>
      {children}
    </dialog>
  );
}
