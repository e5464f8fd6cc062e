import { SendenseError } from '../../errors/sendense-error.ts';
import type { VsphereAddress } from './connect.ts';
import { openRest, type VsphereRest } from './rest.ts';

const tagging = 'com/vmware/cis/tagging';
/** Tags asked about in one request. */
const atOnce = 100;

/**
 * The tags of VMs, CATEGORY/NAME, by managed object id; a VM without tags is not in it.
 * @throws SendenseError `vsphere.*`
 */
export async function tagsByVm(address: VsphereAddress, signal?: AbortSignal): Promise<Map<string, string[]>> {
  await using rest = await openRest(address, signal);
  return await tagsOver(rest);
}

/** {@link tagsByVm} in a session that is open. */
export async function tagsOver(rest: Pick<VsphereRest, 'call'>): Promise<Map<string, string[]>> {
  const ids = texts(await rest.call('GET', `${tagging}/tag`));
  const categories = new Map<string, Promise<string>>();
  const nameOfCategory = (id: string): Promise<string> => {
    let name = categories.get(id);
    if (!name) categories.set(id, (name = nameOf(rest, 'category', id).then(({ name: own }) => own)));
    return name;
  };
  const names = new Map<string, string>();
  for (const id of ids) {
    const tag = await nameOf(rest, 'tag', id);
    names.set(id, `${await nameOfCategory(tag.category)}/${tag.name}`);
  }
  const byVm = new Map<string, string[]>();
  for (let first = 0; first < ids.length; first += atOnce) {
    const body = { tag_ids: ids.slice(first, first + atOnce) };
    const found = await rest.call('POST', `${tagging}/tag-association?~action=list-attached-objects-on-tags`, body);
    for (const { tag_id, object_ids } of attachments(found)) {
      for (const { id, type } of object_ids) {
        const name = names.get(tag_id);
        if (type === 'VirtualMachine' && name !== undefined) byVm.set(id, [...(byVm.get(id) ?? []), name]);
      }
    }
  }
  return byVm;
}

async function nameOf(
  rest: Pick<VsphereRest, 'call'>,
  what: 'tag' | 'category',
  id: string,
): Promise<{ name: string; category: string }> {
  const value = (await rest.call('GET', `${tagging}/${what}/id:${encodeURIComponent(id)}`)) as {
    name?: unknown;
    category_id?: unknown;
  } | null;
  if (typeof value?.name !== 'string') throw unfit(`${what} ${id} has no name`);
  return { name: value.name, category: texts([value.category_id ?? ''])[0] ?? '' };
}

interface Attachment {
  readonly tag_id: string;
  readonly object_ids: readonly { readonly id: string; readonly type: string }[];
}

/** A tag that nothing bears may have no list. */
function attachments(value: unknown): Attachment[] {
  if (!Array.isArray(value)) throw unfit('the list of what bears tags is no list');
  return value.map((one: unknown) => {
    const { tag_id, object_ids = [] } = (one ?? {}) as Partial<Attachment>;
    if (typeof tag_id === 'string' && isObjects(object_ids)) return { tag_id, object_ids };
    throw unfit('the list of what bears tags is not of tags and objects');
  });
}

const isObjects = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((one: unknown) => {
    const { id, type } = (one ?? {}) as { readonly id?: unknown; readonly type?: unknown };
    return typeof id === 'string' && typeof type === 'string';
  });

function texts(value: unknown): string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' && one.isWellFormed())) return value;
  throw unfit('the list of tags is no list of ids');
}

const unfit = (message: string): SendenseError => new SendenseError('vsphere.protocol', message);
