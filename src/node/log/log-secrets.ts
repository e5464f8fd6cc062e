const secretName = /authorization|passw|passphrase|secret|token|seed|private.?key|cookie|\bpsk\b/i;
/** Names that hold where a secret is, not what it is. */
const harmlessName = /(file|path|made|name)$/i;
const deepest = 8;

/** A line of the log, with `***` for each value whose name says that it is secret; also what a child logger bound. */
export const lineWithoutSecrets = (line: string): string =>
  secretName.test(line) ? `${JSON.stringify(withoutSecrets(JSON.parse(line)))}\n` : line;

function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= deepest) return '…';
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
  const clean = ([name, inner]: [string, unknown]): [string, unknown] => [
    name,
    isSecret(name, inner) ? '***' : withoutSecrets(inner, depth + 1),
  ];
  return Object.fromEntries(Object.entries(value).map(clean));
}

const isSecret = (name: string, value: unknown): boolean =>
  value !== null && typeof value !== 'boolean' && secretName.test(name) && !harmlessName.test(name);
