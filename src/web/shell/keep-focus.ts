/**
 * Where what has the focus disappears, as the row of a credential does that somebody removes, the focus goes to what was around it. By itself
 * it falls to the page: the keyboard then begins anew, and who listens hears nothing.
 * @returns what ends it
 */
export function keepFocus(within: HTMLElement): () => void {
  /** What had the focus last, and what is around it, from the inside. */
  let around: readonly HTMLElement[] = [];
  const remember = ({ target }: FocusEvent): void => {
    around = [];
    for (let part = target as HTMLElement | null; part && within.contains(part); part = part.parentElement)
      around = [...around, part];
  };
  const observer = new MutationObserver(() => {
    const [last] = around;
    if (last === undefined || last.isConnected || document.activeElement !== document.body) return;
    const left = around.find((part) => part.isConnected) ?? within;
    if (!left.hasAttribute('tabindex')) left.tabIndex = -1;
    left.focus({ preventScroll: true });
  });
  document.addEventListener('focusin', remember);
  observer.observe(within, { childList: true, subtree: true });
  return () => {
    document.removeEventListener('focusin', remember);
    observer.disconnect();
  };
}
