import { isSecretPointer, secretKey } from '../diagnostics/diagnostic.ts';
import { pathOf } from './document.ts';

/** Keys whose values only say where a secret is, or are none. */
const harmless = /^(?:file|env|systemd|command|mode|url|type|version|kind|name)$/;

/** A mapping or list on the line; the line itself is the outermost. */
interface Frame {
  /** Whether what holds it is a secret: then only harmless keys are shown. */
  readonly secret: boolean;
  /** Whether values without a key are masked. */
  readonly masked: boolean;
  /** Part of a text without quotes, `pass{word}`: nothing in it is a key. */
  readonly opaque: boolean;
  /** Whose value is being read. */
  key: string | null;
  /** The next word may be a key also where values are masked: it begins, or a comma came. */
  next: boolean;
  /** Brackets in it were just closed, so that its value is over. */
  closed: boolean;
}

/**
 * A line of a file as it may be shown: what stands where a secret may be is replaced by `*`, of the same length so that
 * columns stay true. The rest of a mapping in one line is shown, for the mistake may be there. Looks at the line and at
 * where the diagnostic points, since the text may not even be YAML; in doubt it masks.
 */
export function maskLine(line: string, pointer: string): string {
  const inside =
    isSecretPointer(pointer) && !holdsKey(line, pathOf(pointer).find((part) => secretKey.test(part)) ?? '');
  const frames: Frame[] = [{ ...inner, secret: inside, masked: inside, opaque: false }];
  const top = (): Frame => frames.at(-1) as Frame;
  return line.replace(tokens, (token, at: number) => {
    const frame = top();
    const masked = isMasked(frame);
    const { closed } = frame;
    frame.closed = false;
    if (token === ',') {
      // In a text without brackets around it a comma is a character as any other.
      frame.next = frames.length > 1 || closed;
    } else if (token === '{' || token === '[') {
      const opaque = frame.opaque || (masked && !beginsValue(line, at));
      const secret = frame.secret || (frame.key !== null && secretKey.test(frame.key));
      frames.push({ ...inner, secret, masked, opaque });
    } else if (token === '}' || token === ']') {
      if (frames.length > 1) frames.pop();
      top().closed = frame !== top() && !frame.opaque;
    } else if (mayBeKey(frame, token, masked) && isKey(line, token, at)) {
      frame.key = unquoted(token);
      frame.next = false;
    } else if (token !== '-' || line.slice(0, at).trim() !== '') {
      frame.next = false;
      return masked ? '*'.repeat(token.length) : withoutValue(token);
    }
    return token;
  });
}

/** How a mapping or list begins. */
const inner = { key: null, next: true, closed: false } as const;

/** A text in quotes, a bracket, a comma, or a word; a colon in a word belongs to it where no space follows. */
const tokens = /"(?:[^"\\]|\\.)*"?|'[^']*'?|[{}[\],]|[^\s{}[\],:"']+(?::(?=[^\s])[^\s{}[\],]*)*/g;

const isMasked = ({ key, secret, masked }: Frame): boolean =>
  key === null ? masked : secretKey.test(key) || (secret && !harmless.test(key));

/** In the value of a secret only a plain word behind a comma is taken for a key, for the value may hold a colon. */
const mayBeKey = (frame: Frame, token: string, masked: boolean): boolean =>
  !frame.opaque && (!masked || (frame.next && /^(["']?)[A-Za-z_][\w.-]*\1$/.test(token)));

/** Behind a colon or dash with a space, a comma, a bracket, or nothing. Looks at the characters before it alone: a line may be long. */
function beginsValue(line: string, at: number): boolean {
  const before = line.slice(0, at).trimEnd();
  const last = before.at(-1);
  if (last === undefined || ',[{'.includes(last)) return true;
  if (before.length === at) return false;
  return last === ':' || (last === '-' && /^\s?$/.test(before.at(-2) ?? ''));
}

const unquoted = (token: string): string => token.replaceAll(/["']/g, '');

/** Behind a key in quotes no space is needed. */
const isKey = (line: string, token: string, at: number): boolean =>
  (/^["']/.test(token) ? /^\s*:/ : /^\s*:(?:\s|$)/).test(line.slice(at + token.length));

const holdsKey = (line: string, key: string): boolean =>
  [...line.matchAll(tokens)].some(({ 0: token, index }) => unquoted(token) === key && isKey(line, token, index));

/** `token:hunter2` is one word to YAML, but was not meant so. */
const withoutValue = (word: string): string => {
  const colon = word.indexOf(':');
  return colon > 0 && secretKey.test(word.slice(0, colon))
    ? word.slice(0, colon + 1) + '*'.repeat(word.length - colon - 1)
    : word;
};

/** Whether a word on a line may be (part of) a secret, so that no message may repeat it. */
export const mayBeSecret = (line: string): boolean => secretKey.test(line);
