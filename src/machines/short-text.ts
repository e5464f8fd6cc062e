const most = 80;

/** A text that others may have written, to be shown: one line of printable characters, none of which steers a terminal. */
export function shortText(text: string): string {
  const plain = text.slice(0, most + 1).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
  return plain.length > most ? `${plain.slice(0, most)}…` : plain;
}
