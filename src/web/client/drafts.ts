/** A text that somebody has not saved yet. */
export interface Draft {
  readonly text: string;
  /** What it was made from, with its version. */
  readonly base: string;
  readonly etag: string;
  /** When it was typed, ms since the epoch. */
  readonly at: number;
}

const keyOf = (name: string): string => `sendense.draft.${name}`;

/** Drafts stay in this tab of the browser until it is closed, also when the page is loaded again. */
export function keepDraft(name: string, draft: Draft): void {
  try {
    sessionStorage.setItem(keyOf(name), JSON.stringify(draft));
  } catch {
    // The browser keeps nothing: leaving asks all the same.
  }
}

export function forgetDraft(name: string): void {
  try {
    sessionStorage.removeItem(keyOf(name));
  } catch {
    // There is nothing to forget.
  }
}

export function findDraft(name: string): Draft | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(keyOf(name)) ?? 'null') as Partial<Draft> | null;
    const { text, base, etag, at } = found ?? {};
    if (typeof text !== 'string' || typeof base !== 'string' || typeof etag !== 'string' || typeof at !== 'number')
      return null;
    return { text, base, etag, at };
  } catch {
    return null;
  }
}

/** Nobody who logs in after this finds them. */
export function forgetDrafts(): void {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(keyOf(''))) sessionStorage.removeItem(key);
  } catch {
    // There is nothing to forget.
  }
}
