import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegular } from '../../host/files/regular-file.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder } from '../../host/files/files.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import type { MergeIntent } from '../../schemas/types.ts';
import { describeErrors, validatorOf } from '../../schemas/validator.ts';
import { imagePath, indexPath, manifestPath } from '../layout.ts';
import { canonical } from '../manifest.ts';
import { marksPath } from '../marks.ts';
import { removeFile, replaceText } from '../vm-lock/fenced.ts';
import type { VmHold } from '../vm-lock/vm-hold.ts';

export type MergeChild = NonNullable<MergeIntent['child']>;
export type MergeDisk = MergeChild['disks'][number];

const suffix = '.merge';

/** Where it says what can be done about a removal that is stuck. */
export const wayOut = '“A removal that cannot be finished” in docs/repository.md';

/** A removal under way, beside the manifests, relative to the repository. */
export const intentPath = (context: string, name: string): string => join(context, `${name}${suffix}`);

/** What becomes the merged image, before it has its name. */
export const mergePart = (context: string, number: number, child: string): string =>
  `${imagePath(context, number, child)}.sendense-part`;

/** What becomes its block index, before it has its name. */
export const indexPart = (context: string, number: number, child: string): string =>
  `${indexPath(context, number, child)}.sendense-part`;

/** `sha256:…` over everything but the checksum itself. */
function checksumOf(intent: Omit<MergeIntent, 'checksum'>): string {
  const { checksum: _own, ...rest } = intent as MergeIntent;
  return `sha256:${createHash('sha256').update(canonical(rest)).digest('hex')}`;
}

/** Puts it in place of what was there, durably: after a crash the old or the new one is there. */
export async function writeIntent(hold: VmHold, content: Omit<MergeIntent, 'checksum'>): Promise<MergeIntent> {
  const intent = { ...content, checksum: checksumOf(content) };
  const path = join(hold.root, intentPath(intent.context, intent.name));
  await replaceText(hold, path, `${JSON.stringify(intent, null, 2)}\n`);
  return intent;
}

/** Ends it: all is done. */
export async function removeIntent(hold: VmHold, { context, name }: MergeIntent): Promise<void> {
  const { root } = hold;
  await rm(join(root, `${intentPath(context, name)}.sendense-part`), { force: true });
  await removeFile(hold, join(root, intentPath(context, name)));
  await fsyncFolder(join(root, context));
}

/**
 * Null: there is none.
 * @throws SendenseError `repository.damaged` for a file that cannot be read, or is not as it was written
 */
export async function readIntent(root: string, context: string, name: string): Promise<MergeIntent | null> {
  const path = intentPath(context, name);
  const damaged = (what: string, cause?: unknown): SendenseError =>
    new SendenseError('repository.damaged', `${path}, which says how a removal goes on, ${what}`, {
      cause,
      remedy: `Put it back from a copy of the repository. If you have no copy, see ${wayOut}. Until then Sendense removes and copies nothing of this VM; backups and restores continue.`,
    });
  let text: string;
  try {
    // Asked for each restore point that is looked at, and there is none of nearly all.
    if (lstatSync(join(root, path), { throwIfNoEntry: false }) === undefined) return null;
    text = (await readRegular(join(root, path))).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw damaged(`cannot be read: ${(error as Error).message}`, error);
  }
  let intent: MergeIntent;
  try {
    intent = parseJson(text) as MergeIntent;
  } catch {
    throw damaged('is not JSON');
  }
  const validate = validatorOf('merge-intent.json');
  if (!validate(intent)) throw damaged(`is not what it should be: ${describeErrors(validate.errors)}`);
  if (intent.checksum !== checksumOf(intent)) throw damaged('was changed');
  if (intent.context !== context || intent.name !== name) throw damaged(`is that of ${intent.context}/${intent.name}`);
  if (strayFile(intent) !== null) throw damaged(`names a file outside of its place: ${strayFile(intent)}`);
  return intent;
}

/** What it names is removed, so it must be of the restore points that go. */
function strayFile({ removed }: MergeIntent): string | null {
  for (const { backup_id: id, files } of removed) {
    const stray = files.find((file) => !isOwn(file, id));
    if (stray !== undefined) return stray;
  }
  return null;
}

/** An id is compared as a text: in a pattern its dots would stand for any character, and so for another restore point. */
function isOwn(file: string, id: string): boolean {
  const [, folder, name, ending = ''] = /^(disk-[0-9]+\/)?(.+)\.([a-z0-9-]+)$/.exec(file) ?? [];
  const endings = folder === undefined ? ['vm-config', 'marks'] : ['qcow2', 'index'];
  return name === id && endings.includes(ending);
}

/** Names of the removals under way of a VM. */
export const intentNames = async (root: string, context: string): Promise<string[]> =>
  (await namesIn(join(root, context)))
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length));

/** What a kill left of an intent that was being written, relative to the VM's directory. */
export const intentParts = async (root: string, context: string): Promise<string[]> =>
  (await namesIn(join(root, context))).filter((name) => name.endsWith(`${suffix}.sendense-part`));

const namesIn = async (folder: string): Promise<string[]> =>
  (
    await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    })
  ).toSorted();

/** The removals under way of a VM. @throws SendenseError `repository.damaged` */
export async function readIntents(root: string, context: string): Promise<MergeIntent[]> {
  const found: MergeIntent[] = [];
  for (const name of await intentNames(root, context)) {
    const intent = await readIntent(root, context, name);
    if (intent) found.push(intent);
  }
  return found;
}

/** Every file, relative to the repository, that a removal under way still needs or will remove. */
export function filesOfIntent(intent: MergeIntent): Set<string> {
  const { context, name, removed, child } = intent;
  const own = intentPath(context, name);
  const files = new Set([own, `${own}.sendense-part`]);
  for (const { backup_id: id, files: paths } of removed) {
    files.add(manifestPath(context, id)).add(marksPath(context, id));
    for (const path of paths) files.add(join(context, path));
  }
  if (child) files.add(`${manifestPath(context, child.backup_id)}.sendense-part`);
  for (const { number } of child?.disks ?? [])
    files.add(mergePart(context, number, name)).add(indexPart(context, number, name));
  return files;
}
