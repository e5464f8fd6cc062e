import { XMLParser } from 'fast-xml-parser';
import { SendenseError } from '../../errors/sendense-error.ts';

/** An element of an answer. Text stays text: `1e5` may be an id, and sizes have 64 bits. */
export interface XmlValue {
  readonly name: string;
  /** As written: `type` of a reference is not `xsi:type`; see {@link xsiType}. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly XmlValue[];
}

const attributesKey = ':@';
const textKey = '#text';

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  removeNSPrefix: false,
  processEntities: { enabled: true, maxExpandedLength: Infinity },
  htmlEntities: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  // A path as text for each tag takes as long as all the rest.
  jPath: false,
});

/** The root element of a document. @throws SendenseError `vsphere.protocol` */
export function parseXml(document: string): XmlValue {
  const flaw = flawOf(document);
  if (flaw !== null) throw new SendenseError('vsphere.protocol', `the answer is not XML: ${flaw}`);
  try {
    const [root] = elementOf('', parser.parse(document) as readonly Node[], {}).children;
    if (root) return root;
  } catch (cause) {
    throw new SendenseError('vsphere.protocol', `the answer is not XML: ${(cause as Error).message}`, { cause });
  }
  throw new SendenseError('vsphere.protocol', 'the answer is empty');
}

const markup = /<(?:!--[^]*?-->|!\[CDATA\[[^]*?\]\]>|\?[^]*?\?>|(\/?)([^\s<>/!?]+)((?:"[^"]*"|'[^']*'|[^"'<>])*)>|)/g;

/** The parser takes anything; its own validator looks at much more than what may go wrong here, in five times the time. */
function flawOf(document: string): string | null {
  if (!/^\ufeff?\s*</.test(document)) return document.trim() === '' ? 'it is empty' : 'it does not begin with a tag';
  const open: string[] = [];
  let roots = 0;
  for (const [tag, closing, name, rest] of document.matchAll(markup)) {
    if (tag === '<') return 'it has a tag that does not end, or a DOCTYPE';
    if (name === undefined) continue;
    if (closing) {
      const expected = open.pop();
      if (expected !== name) return `</${name}> stands where ${expected ? `</${expected}>` : 'nothing'} is due`;
      continue;
    }
    if (open.length === 0 && ++roots > 1) return 'it goes on behind its end';
    if (!rest?.endsWith('/')) open.push(name);
  }
  if (open.length > 0) return `<${open.at(-1)}> is not closed`;
  return roots === 0 ? 'it has no element' : null;
}

type Node = Readonly<Record<string, unknown>>;

const nothing: readonly XmlValue[] = [];
const noAttributes: Readonly<Record<string, string>> = {};

function elementOf(tag: string, inner: readonly Node[], attributes: XmlValue['attributes']): XmlValue {
  let content = '';
  let children: XmlValue[] | undefined;
  for (const node of inner) {
    if (textKey in node) {
      content += String(node[textKey]);
      continue;
    }
    for (const name in node) {
      if (name === attributesKey) continue;
      const own = (node[attributesKey] as XmlValue['attributes'] | undefined) ?? noAttributes;
      (children ??= []).push(elementOf(name, node[name] as readonly Node[], own));
    }
  }
  return { name: local(tag), attributes, text: content, children: children ?? nothing };
}

const local = (name: string): string => name.slice(name.indexOf(':') + 1);

/** The element at a path of names, `config.hardware.device`: the first of each. */
export function at(value: XmlValue | undefined, path?: string): XmlValue | undefined {
  let found = value;
  for (const name of path === undefined || path === '' ? [] : path.split('.'))
    found = found?.children.find((child) => child.name === name);
  return found;
}

/** All elements of a name, none and one alike; a path before it is walked. */
export function list(value: XmlValue | undefined, path: string): readonly XmlValue[] {
  const names = path.split('.');
  const last = names.pop();
  return at(value, names.join('.'))?.children.filter(({ name }) => name === last) ?? [];
}

export const optionalText = (value: XmlValue | undefined, path?: string): string | undefined => at(value, path)?.text;

/** @throws SendenseError `vsphere.protocol` where it is missing */
export function text(value: XmlValue | undefined, path?: string): string {
  const found = optionalText(value, path);
  if (found !== undefined) return found;
  throw new SendenseError('vsphere.protocol', `the answer has no ${path ?? 'value'} in ${value?.name ?? 'nothing'}`);
}

/** Beyond 2^53 a bigint. @throws SendenseError `vsphere.protocol` */
export function integer(value: XmlValue | undefined, path?: string): number | bigint {
  const found = text(value, path).trim();
  if (!/^-?[0-9]{1,20}$/.test(found))
    throw new SendenseError(
      'vsphere.protocol',
      `${path ?? value?.name ?? 'a number'} is no number: ${found.slice(0, 100)}`,
    );
  const number = Number(found);
  return Number.isSafeInteger(number) ? number : BigInt(found);
}

/** As {@link integer}; @throws SendenseError `vsphere.protocol` for one that a number of JSON cannot hold, or that is no `times` of it */
export function plainInteger(value: XmlValue | undefined, path?: string, times = 1): number {
  const number = Number(integer(value, path)) * times;
  if (Number.isSafeInteger(number)) return number;
  throw new SendenseError(
    'vsphere.protocol',
    `${path ?? value?.name ?? 'a number'} is too large: ${text(value, path).trim()}`,
  );
}

/** False where it is missing. */
export const flag = (value: XmlValue | undefined, path?: string): boolean => {
  const found = optionalText(value, path)?.trim();
  return found === 'true' || found === '1';
};

export interface Moref {
  readonly type: string;
  readonly value: string;
}

export function optionalMoref(value: XmlValue | undefined, path?: string): Moref | undefined {
  const found = at(value, path);
  const type = found?.attributes['type'];
  return found === undefined || type === undefined ? undefined : { type, value: found.text };
}

/** @throws SendenseError `vsphere.protocol` where it is missing */
export function moref(value: XmlValue | undefined, path?: string): Moref {
  const found = optionalMoref(value, path);
  if (found) return found;
  throw new SendenseError(
    'vsphere.protocol',
    `the answer has no reference ${path ?? ''} in ${value?.name ?? 'nothing'}`,
  );
}

/** The type that the element says it is, without its prefix. */
export function xsiType(value: XmlValue | undefined): string | undefined {
  const found = Object.entries(value?.attributes ?? {}).find(([name]) => /^[^:]+:type$/.test(name))?.[1];
  return found === undefined ? undefined : local(found);
}
