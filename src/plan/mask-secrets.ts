import { isSecretPointer, secretKey } from './diagnostic.ts';

const references = /^(?:file|env|systemd|command|secret|mode|url|type|version|kind|name|from|to)$/;

/**
 * A line of a file as it may be shown: what stands where a secret may be is replaced by `*`, of the same length so that
 * columns stay true. Looks at the line and at where the diagnostic points, since the text may not even be YAML.
 */
export function maskSecrets(line: string, pointer: string): string {
  const mask = (text: string): string => '*'.repeat(text.length);
  const hide = isSecretPointer(pointer) || secretKey.test(line);
  if (!hide) return line;
  return line.replace(
    /(["']?)([\w.-]+)\1(\s*:\s+)("[^"]*"?|'[^']*'?|[^\s{}[\],][^{}[\],]*)/g,
    (all, quote: string, key: string, colon: string, value: string) => {
      if (references.test(key) && !(key === 'secret')) return all;
      if (/^(?:[*&!$]|"\$)/.test(value) || (!secretKey.test(key) && !isSecretPointer(pointer))) return all;
      return quote + key + quote + colon + mask(value.trimEnd()) + value.slice(value.trimEnd().length);
    },
  );
}
