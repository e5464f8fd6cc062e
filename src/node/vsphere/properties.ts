import type { ObjectProperties } from './vsphere.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { Vsphere } from './vsphere.ts';
import type { SoapObject } from './encode-soap.ts';
import { faultError, faultOf } from './fault.ts';
import { at, list, moref, optionalText, text, xsiType, type Moref, type XmlValue } from './xml.ts';

/** Objects in one answer. */
const pageSize = 500;
const maxPages = 10_000;
const readAttempts = 3;
const destroyMs = 5_000;

/** Properties of these objects, in their order; objects that are gone are left out. @throws SendenseError `vsphere.*` */
export async function objectProperties(
  vsphere: Vsphere,
  objects: readonly Moref[],
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<ObjectProperties[]> {
  if (objects.length === 0) return [];
  const spec: SoapObject = {
    fields: [
      ...[...new Set(objects.map(({ type }) => type))].map((type) => ['propSet', propertySpec(type, paths)] as const),
      ['objectSet', objects.map((object): SoapObject => ({ fields: [['obj', object]] }))],
    ],
  };
  try {
    const found = await retrieve(vsphere, spec, signal);
    for (const { object, missing } of found) refuse(object, missing);
    return objects.flatMap((object) => found.find((one) => sameObject(one.object, object)) ?? []);
  } catch (error) {
    if (faultOf(error)?.name !== 'ManagedObjectNotFound') throw error;
    // One that is gone spoils the answer for all.
    if (objects.length === 1) return [];
    const each = await Promise.all(objects.map((object) => objectProperties(vsphere, [object], paths, signal)));
    return each.flat();
  }
}

const sameObject = (a: Moref, b: Moref): boolean => a.type === b.type && a.value === b.value;

/** All objects of a type below a container. What cannot be read of one is left out. */
export const allObjects = (
  vsphere: Vsphere,
  type: string,
  paths: readonly string[],
  options: { readonly signal?: AbortSignal; readonly container?: Moref } = {},
): Promise<ObjectProperties[]> =>
  // A view ends with its session.
  fromTheStart('ManagedObjectNotFound', () => listView(vsphere, type, paths, options));

async function listView(
  vsphere: Vsphere,
  type: string,
  paths: readonly string[],
  { signal, container = vsphere.content['rootFolder'] }: { readonly signal?: AbortSignal; readonly container?: Moref },
): Promise<ObjectProperties[]> {
  const { viewManager } = vsphere.content;
  if (!viewManager || !container) throw new SendenseError('vsphere.protocol', 'the server has no view manager');
  const view = moref(
    await vsphere.call(
      'CreateContainerView',
      viewManager,
      [
        ['container', container],
        ['type', [type]],
        ['recursive', true],
      ],
      { signal },
    ),
  );
  try {
    return await retrieve(vsphere, viewSpec(view, type, paths), signal);
  } finally {
    // It ends with the session anyway.
    const limit = AbortSignal.timeout(destroyMs);
    await vsphere.call('DestroyView', view, [], { signal: limit }).catch(() => undefined);
  }
}

const viewSpec = (view: Moref, type: string, paths: readonly string[]): SoapObject => {
  const traversal: SoapObject = {
    xsiType: 'TraversalSpec',
    fields: [
      ['name', 'view'],
      ['type', view.type],
      ['path', 'view'],
      ['skip', false],
    ],
  };
  const start: SoapObject = {
    fields: [
      ['obj', view],
      ['skip', true],
      ['selectSet', traversal],
    ],
  };
  return {
    fields: [
      ['propSet', propertySpec(type, paths)],
      ['objectSet', start],
    ],
  };
};

const propertySpec = (type: string, paths: readonly string[]): SoapObject => ({
  fields: [
    ['type', type],
    ['all', false],
    ['pathSet', paths],
  ],
});

interface Retrieved extends ObjectProperties {
  readonly missing: readonly XmlValue[];
}

/** Tokens of pages end with their session, and with an answer that got lost on the way. */
const retrieve = (vsphere: Vsphere, spec: SoapObject, signal?: AbortSignal): Promise<Retrieved[]> =>
  fromTheStart('InvalidArgument', () => retrievePages(vsphere, spec, signal));

/** Reads a list anew where the server has forgotten in the middle what it was about. */
async function fromTheStart<T>(forgotten: string, read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (attempt === readAttempts || faultOf(error)?.name !== forgotten) throw error;
    }
  }
}

async function retrievePages(vsphere: Vsphere, spec: SoapObject, signal?: AbortSignal): Promise<Retrieved[]> {
  const { propertyCollector } = vsphere.content;
  if (!propertyCollector) throw new SendenseError('vsphere.protocol', 'the server has no property collector');
  let answer = await vsphere.call(
    'RetrievePropertiesEx',
    propertyCollector,
    [
      ['specSet', [spec]],
      ['options', { fields: [['maxObjects', pageSize]] }],
    ],
    { signal },
  );
  const found = list(answer, 'objects').map(retrieved);
  let pages = 1;
  for (let token = optionalText(answer, 'token'); token; token = optionalText(answer, 'token')) {
    if (++pages > maxPages) throw new SendenseError('vsphere.protocol', 'the list of objects does not end');
    answer = await vsphere.call('ContinueRetrievePropertiesEx', propertyCollector, [['token', token]], { signal });
    found.push(...list(answer, 'objects').map(retrieved));
  }
  return found;
}

const retrieved = (content: XmlValue): Retrieved => ({
  object: moref(content, 'obj'),
  values: new Map(
    list(content, 'propSet').flatMap((one) => {
      const value = at(one, 'val');
      return value ? [[text(one, 'name'), value] as const] : [];
    }),
  ),
  missing: list(content, 'missingSet'),
});

/** A property that may not be read must not look like one that is not set. */
function refuse(object: Moref, missing: readonly XmlValue[]): void {
  for (const one of missing) if (reasonOf(one) === 'NoPermission') throw missingError(object, one);
}

/** Some servers answer who is not logged in (any more) with objects that have no properties. @throws SendenseError */
export function assertAuthenticated(answer: XmlValue | undefined): void {
  for (const content of list(answer, 'objects'))
    for (const one of list(content, 'missingSet'))
      if (reasonOf(one) === 'NotAuthenticated') throw missingError(moref(content, 'obj'), one);
}

const reasonOf = (missing: XmlValue): string | undefined => xsiType(at(missing, 'fault.fault'));

const missingError = (object: Moref, missing: XmlValue): SendenseError =>
  faultError(
    `${optionalText(missing, 'path') ?? ''} of ${object.type} ${object.value}`,
    at(missing, 'fault.fault'),
    optionalText(missing, 'fault.localizedMessage') ?? '',
  );
