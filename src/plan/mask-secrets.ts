import { isSecretPointer, secretKey } from './diagnostic.ts';

/** Keys whose values only say where a secret is, or are none. */
const harmless = /^(?:file|env|systemd|command|mode|url|type|version|kind|name)$/;

/**
 * A line of a file as it may be shown: what stands where a secret may be is replaced by `*`, of the same length so that
 * columns stay true. Looks at the line and at where the diagnostic points, since the text may not even be YAML.
 */
export function maskSecrets(line: string, pointer: string): string {
  const start = isSecretPointer(pointer) || !line.includes(':') ? 0 : keyOfSecret(line);
  if (start < 0 || (start === 0 && !isSecretPointer(pointer) && !secretKey.test(line))) return line;
  let key = isSecretPointer(pointer) ? 'secret' : '';
  const tokens = /"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s{}[\],:"']+(?::(?=[^\s])[^\s{}[\],]*)*/g;
  const rest = line.slice(start).replace(tokens, (token, at: number, all: string) => {
    if (/^\s*:(?:\s|$)/.test(all.slice(at + token.length)) || /^(?:-|#|\$)/.test(token)) {
      key = token;
      return token;
    }
    if (key === '' && secretKey.test(token)) {
      key = token;
      return token;
    }
    return key === '' || harmless.test(key) || token.includes('${{') ? token : '*'.repeat(token.length);
  });
  return line.slice(0, start) + rest;
}

/** Where the first key begins that may hold a secret; -1 where there is none. */
function keyOfSecret(line: string): number {
  for (const match of line.matchAll(/[\w.-]+(?=["']?\s*:(?:\s|$))/g)) if (secretKey.test(match[0])) return match.index;
  return -1;
}

/** Whether a word on a line may be (part of) a secret, so that no message may repeat it. */
export const mayBeSecret = (line: string): boolean => secretKey.test(line);
