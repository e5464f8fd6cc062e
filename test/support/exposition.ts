/** A figure as Prometheus would take it. */
export interface ExposedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ExposedFamily {
  readonly help: string;
  readonly type: string;
  readonly samples: ExposedSample[];
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

/**
 * Reads Prometheus' text form, version 0.0.4, and takes nothing that its specification does not allow
 * (prometheus.io/docs/instrumenting/exposition_formats): it knows nothing of ours.
 */
export function parseExposition(text: string): Map<string, ExposedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, ExposedFamily>();
  const seen = new Set<string>();
  let help: { name: string; text: string } | undefined;
  let current: string | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const helped = /^# HELP ([^ ]+) (.*)$/.exec(line);
    if (helped) {
      const [, name = '', words = ''] = helped;
      if (/\\[^\\n]|\\$/.test(words.replaceAll('\\\\', ''))) throw new Error(`escape in the help of ${name}`);
      help = { name, text: words };
      continue;
    }
    const typed = /^# TYPE ([^ ]+) ([^ ]+)$/.exec(line);
    if (typed) {
      const [, name = '', type = ''] = typed;
      if (!metricName.test(name) || !types.includes(type)) throw new Error(`TYPE line: ${line}`);
      if (families.has(name)) throw new Error(`${name} comes twice`);
      if (help?.name !== name) throw new Error(`no HELP before ${name}`);
      families.set(name, { help: help.text, type, samples: [] });
      current = name;
      continue;
    }
    if (line.startsWith('#')) throw new Error(`a comment that is none: ${line}`);
    const sample = parseSample(line);
    if (current === undefined || !belongsTo(sample.name, current, families.get(current)?.type ?? ''))
      throw new Error(`${sample.name} stands outside of its family`);
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(key)) throw new Error(`${key} comes twice`);
    seen.add(key);
    families.get(current)?.samples.push(sample);
  }
  return families;
}

const belongsTo = (name: string, family: string, type: string): boolean =>
  name === family ||
  (type === 'histogram' && [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name)) ||
  (type === 'summary' && [`${family}_sum`, `${family}_count`].includes(name));

function parseSample(line: string): ExposedSample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0] ?? '';
  if (name === '') throw new Error(`no name: ${line}`);
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    while (!rest.startsWith('}')) {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|(?=\}))/.exec(rest);
      if (!label) throw new Error(`labels: ${line}`);
      const [whole, key = '', value = ''] = label;
      if (key in labels) throw new Error(`label ${key} twice: ${line}`);
      if (key.startsWith('__')) throw new Error(`label ${key} is Prometheus' own`);
      labels[key] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
      rest = rest.slice(whole.length);
    }
    rest = rest.slice(1);
  }
  const value = /^ (NaN|[+-]Inf|[+-]?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)(?: -?[0-9]+)?$/.exec(rest)?.[1];
  if (value === undefined) throw new Error(`no value: ${line}`);
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) };
}
