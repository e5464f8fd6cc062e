import { basename, resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { writeNewFile } from '../../host/files/files.ts';
import { composePlan } from '../../plan/expand/compose-plan.ts';
import type { LoadedSettings } from '../../plan/load-settings.ts';
import { nameFrom } from '../../plan/names.ts';
import type { FoundVm } from '../../sources/source-kind.ts';
import { formatBytes } from '../../view/format.ts';
import { printable, wrap } from '../../view/text.ts';
import { isNameTaken, type PlanText } from '../vm-names/free-vm-name.ts';
import { loadPipeline } from '../runs/load-pipeline.ts';

export interface PlanTarget {
  /** Against which `file` counts. */
  readonly folder: string;
  /** Default: the plan's name with `.yaml`. `-`, also in another folder: it is answered, and not written. */
  readonly file?: string | undefined;
}

/** Where a plan was written, or its text. */
export interface WrittenPlan {
  readonly plan_file: string | null;
  readonly plan_text?: string;
}

/** What a plan is to be made for. */
export interface PlanSubject {
  readonly vm: FoundVm;
  /** Another VM of the source would get the same name. */
  readonly alike: boolean;
  readonly source: string;
  readonly node: string;
  /** The VM to which each name of the repository belongs, by name; null: it is not known. */
  readonly owners: ReadonlyMap<string, string | null>;
}

const commentColumns = 98;
const suffix = '-nightly';

/**
 * Makes a plan that backs up the VM every night, as our own validator accepts it. The VM gets a name in plan and repository that no other
 * VM has there.
 * @throws SendenseError `file.exists` where the file is there, `plan.invalid`, `vm.identity` where every name is another VM's
 */
export async function writePlan(
  settings: LoadedSettings,
  subject: PlanSubject,
  target: PlanTarget,
): Promise<WrittenPlan> {
  const { path, text } = freePlan(settings, subject, target);
  loadPipeline({ file: path, text }, settings);
  if (basename(path) === '-') return { plan_file: null, plan_text: text };
  try {
    await writeNewFile(path, text, 0o644);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new SendenseError('file.exists', `${path} exists already`, {
      cause,
      remedy: `Name another file: --write-plan FILE; ${basename(path)} stays as it is.`,
    });
  }
  return { plan_file: path };
}

function freePlan(settings: LoadedSettings, subject: PlanSubject, target: PlanTarget): PlanText {
  const names = namesFor(subject);
  for (const name of names) {
    const owner = subject.owners.get(name) ?? null;
    if (owner !== null && owner !== subject.vm.identity) continue;
    const path = resolve(target.folder, target.file ?? `${name}${suffix}.yaml`);
    const plan = { path, text: textOf(settings, subject, name) };
    if (!isNameTaken(plan, settings)) return plan;
  }
  throw new SendenseError('vm.identity', `another VM is backed up as ${names.join(' and as ')} already`, {
    remedy: 'Write a plan with another `vm.name` yourself, or give the VM another name in its source.',
  });
}

/** Names for the VM in plan and repository, the best one first. A VM that only its name tells is called as its source says. */
function namesFor({ vm: { name, id, identity }, source, alike, owners }: PlanSubject): string[] {
  const own = nameFrom(name, suffix.length);
  if (id === null) return [own];
  const known = [...owners].find(([, owner]) => owner === identity)?.[0];
  const ends = [alike ? id : '', source, `${source}-${id}`];
  return [...new Set([...(known === undefined ? [] : [known]), ...ends.map((end) => withEnd(own, end || null, id))])];
}

/** The VM's own name where that is possible. */
function withEnd(own: string, end: string | null, id: string): string {
  if (own !== '' && end === null) return own;
  const other = nameFrom(end ?? id, suffix.length) || 'vm';
  return own === '' ? other : `${nameFrom(own, suffix.length + other.length + 1)}-${other}`;
}

function textOf(settings: LoadedSettings, subject: PlanSubject, name: string): string {
  const [repository = '', ...others] = Object.keys(settings.settings?.repositories ?? {});
  return composePlan({
    comment: [...commentOf(subject), ...repositoryNote(repository, others)].flatMap((line) =>
      wrap(printable(line), commentColumns),
    ),
    plan: {
      version: 1,
      kind: 'backup',
      name: `${name}${suffix}`,
      vm: {
        name,
        ...subject.vm.where,
        source: subject.source,
        ...subject.vm.reading,
      },
      repository,
      ...(subject.node === 'local' ? {} : { node: subject.node }),
      schedule: { cron: '30 1 * * *', timezone: 'UTC' },
    },
    besidePath: subject.vm.id ?? undefined,
  });
}

function commentOf({ vm: { name, facts }, source }: PlanSubject): string[] {
  const day = new Date().toISOString().slice(0, 10);
  const made = `Made by \`sendense-run discover ${source} --write-plan\` on ${day}, for the VM ${name}.`;
  if (!facts) return [made];
  const disks = facts.disks.map(({ label, capacity_bytes }) => `${label} ${formatBytes(capacity_bytes)}`).join(', ');
  return [
    made,
    `${facts.guest ?? 'Unknown guest'}; ${disks || 'no disks'}.`,
    ...facts.findings.map(({ level, message }) => `${level === 'stops' ? 'Stops' : 'Weakens'} a backup: ${message}`),
  ];
}

const repositoryNote = (first: string, others: readonly string[]): string[] =>
  others.length === 0 ? [] : [`Goes to ${first}; the settings also have the repositories ${others.join(', ')}.`];
