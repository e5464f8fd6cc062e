import { basename, resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { writeNewFile } from '../host/files.ts';
import { composePlan } from '../plan/compose-plan.ts';
import type { LoadedSettings } from '../plan/load-settings.ts';
import { nameFrom } from '../plan/names.ts';
import type { VsphereVm } from '../schemas/types.ts';
import { formatBytes } from '../view/format.ts';
import { printable, wrap } from '../view/text.ts';
import { loadPipeline } from './load-pipeline.ts';

export interface PlanTarget {
  /** Against which `file` counts. */
  readonly folder: string;
  /** Default: the plan's name with `.yaml`. */
  readonly file?: string | undefined;
}

/** What a plan is to be made for. */
export interface PlanSubject {
  /** As the source has it. */
  readonly name: string;
  /** Set where another VM of the source would get the same name: tells them apart. */
  readonly distinction: string | null;
  readonly source: string;
  readonly node: string;
  /** Null for an image source. */
  readonly vsphere: VsphereVm | null;
}

const commentColumns = 98;
const suffix = '-nightly';

/**
 * Makes a plan that backs up the VM every night, as our own validator accepts it. Answers its absolute path.
 * @throws SendenseError `file.exists` where the file is there, `plan.invalid`
 */
export async function writePlan(settings: LoadedSettings, subject: PlanSubject, target: PlanTarget): Promise<string> {
  const name = vmNameOf(subject);
  const planName = `${name}${suffix}`;
  const path = resolve(target.folder, target.file ?? `${planName}.yaml`);
  const [repository = '', ...others] = Object.keys(settings.settings?.repositories ?? {});
  const text = composePlan({
    comment: [...commentOf(subject), ...repositoryNote(repository, others)].flatMap((line) =>
      wrap(printable(line), commentColumns),
    ),
    plan: {
      version: 1,
      kind: 'backup',
      name: planName,
      vm: {
        name,
        path: subject.vsphere?.path,
        source: subject.source,
        ...(subject.vsphere ? { quiesce: 'try', cbt: cbtOf(subject.vsphere) } : {}),
      },
      repository,
      ...(subject.node === 'local' ? {} : { node: subject.node }),
      schedule: { cron: '30 1 * * *', timezone: 'UTC' },
    },
    besidePath: subject.vsphere?.moref,
  });
  loadPipeline({ file: path, text }, settings);
  try {
    await writeNewFile(path, text, 0o644);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new SendenseError('file.exists', `${path} exists already`, {
      cause,
      remedy: `Name another file: --write-plan FILE; ${basename(path)} stays as it is.`,
    });
  }
  return path;
}

/** A name for the VM in plan and repository: its own where that is possible. */
export function vmNameOf({
  name,
  distinction,
  vsphere,
}: Pick<PlanSubject, 'name' | 'distinction' | 'vsphere'>): string {
  const own = nameFrom(name, suffix.length);
  if (own !== '' && distinction === null) return own;
  const other = nameFrom(distinction ?? vsphere?.moref ?? '', suffix.length) || 'vm';
  return own === '' ? other : `${nameFrom(name, suffix.length + other.length + 1)}-${other}`;
}

const cbtOf = ({ cbt }: VsphereVm): 'enable' | 'auto' => (cbt.supported && !cbt.enabled ? 'enable' : 'auto');

function commentOf({ name, source, vsphere }: PlanSubject): string[] {
  const day = new Date().toISOString().slice(0, 10);
  const made = `Made by \`sendense-run discover ${source} --write-plan\` on ${day}, for the VM ${name}.`;
  if (!vsphere) return [made];
  const disks = vsphere.disks.map(({ label, capacity_bytes }) => `${label} ${formatBytes(capacity_bytes)}`).join(', ');
  return [
    made,
    `${vsphere.guest ?? 'Unknown guest'}; ${disks || 'no disks'}.`,
    ...vsphere.findings.map(({ level, message }) => `${level === 'stops' ? 'Stops' : 'Weakens'} a backup: ${message}`),
  ];
}

const repositoryNote = (first: string, others: readonly string[]): string[] =>
  others.length === 0 ? [] : [`Goes to ${first}; the settings also have the repositories ${others.join(', ')}.`];
