/**
 * What stands before SSH on a connection to the built-in server's port that is to be handed to sshd: the node says
 * `SENDENSE-DATA TICKET` and a line feed, and nothing more until it has heard `OK` and a line feed. Behind that sshd speaks, and
 * nobody may have read a byte of it: that is why one waits for the other.
 */
export const prefaceWord = 'SENDENSE-DATA ';
export const prefaceAnswer = 'OK\n';

export const prefaceOf = (ticket: string): string => `${prefaceWord}${ticket}\n`;

export type FirstBytes =
  | { readonly kind: 'ssh' }
  /** It may still become a preface. */
  | { readonly kind: 'more' }
  | { readonly kind: 'preface'; readonly ticket: string }
  | { readonly kind: 'malformed' };

/** Characters of the longest ticket. */
const longest = 100;

/** What a connection begins with; all that came so far. */
export function judgeFirstBytes(bytes: Buffer): FirstBytes {
  const text = bytes.toString('latin1');
  const common = Math.min(text.length, prefaceWord.length);
  if (text.slice(0, common) !== prefaceWord.slice(0, common)) return { kind: 'ssh' };
  const ticket = /^[A-Za-z0-9_-]*/.exec(text.slice(prefaceWord.length))?.[0] ?? '';
  const rest = text.slice(prefaceWord.length + ticket.length);
  if (rest === '\n' && ticket !== '') return { kind: 'preface', ticket };
  return rest === '' && ticket.length <= longest ? { kind: 'more' } : { kind: 'malformed' };
}
