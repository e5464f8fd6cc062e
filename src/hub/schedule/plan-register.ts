import { setImmediate as turn } from 'node:timers/promises';
import { join } from 'node:path';
import { errorToJson, SendenseError } from '../../errors/sendense-error.ts';
import type { LoadedSettings } from '../../plan/load-settings.ts';
import type { ErrorOutput } from '../../schemas/types.ts';
import { duplicatePlans, forgetDuplicate, noteDuplicate } from '../../state/schedules/duplicate-plans.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import type { State } from '../../state/database/open-state.ts';
import {
  acceptPlan,
  findSchedule,
  forgetRefused,
  listSchedules,
  refusePlan,
  removeSchedule,
  type ScheduledPlan,
} from '../../state/schedules/schedules.ts';
import type { HubLog } from '../hub-log.ts';
import { watch as watchPlan } from '../notify/watch-plan.ts';
import { findPlanFiles, type FoundFile } from './find-plan-files.ts';
import { distrustedPlan } from './distrusted-plan.ts';
import { createPatience } from './patience.ts';
import { readPlan, type ReadPlan } from './read-plan.ts';

export interface PlanChanges {
  /** New plans, and those whose text is another now. */
  readonly put: readonly { readonly plan: string; readonly facts: ScheduledPlan; readonly since: number }[];
  /** Plans that are not scheduled any more. */
  readonly drop: readonly string[];
  /** Where changes are to be looked for. */
  readonly folders: readonly string[];
  /** Files are gone or invalid, or are only being replaced or written: look again in this time, ms. */
  readonly againMs: number | null;
}

export interface RegisterOptions {
  readonly state: State;
  /** Absolute. */
  readonly folder: string;
  readonly now: () => number;
  readonly log: Pick<HubLog, 'info' | 'warn' | 'error'>;
  /** How long a file has to be away or invalid until that counts, ms. */
  readonly patienceMs?: number | undefined;
}

export interface PlanRegister {
  /** Looks at the folder. @param mark is another whenever the same file may mean something else: settings, version */
  scan(settings: LoadedSettings, mark: string): Promise<PlanChanges>;
}

interface KnownFile {
  readonly stamp: string;
  /** Whose file it is; null: of no plan that is in force. */
  readonly plan: string | null;
  /** Of whose plan nothing was ever valid; it is known only to tell of it. */
  readonly refused?: string | null;
}

/** Files that one transaction writes about: each waits for the disk, and keeps other processes waiting. */
const batch = 200;

/**
 * What the plan files of a folder say, in the state database: valid texts, and why a file is not in force. A plan stays in
 * force with its last valid text while its file is invalid, and ends when the file is gone for good. What may only be a moment of a file
 * that is being replaced or written counts for nothing. Files that did not change since
 * the database was written are not read again, also after a restart.
 */
export function createPlanRegister(options: RegisterOptions): PlanRegister {
  const { state, folder, now, log } = options;
  const patience = createPatience(options.patienceMs);
  const known = new Map<string, KnownFile>();
  /** What was said about files, so that it is said once. */
  const said = new Map<string, string>();
  /** Files with a plan of a name that is taken. */
  const duplicates = new Set<string>();
  let first = true;

  const complain = (file: string, plan: string | null, error: ErrorOutput, told: boolean): void => {
    if (said.get(file) === error.message) return;
    said.set(file, error.message);
    log.warn({ file, plan, error: error.message }, plan === null ? 'plan file is not in force' : 'invalid plan');
    if (!told)
      raiseNotice(
        state,
        { event: 'invalid-plan', plan, message: error.message, details: { file, code: error.code } },
        now(),
      );
  };

  const settled = (file: string): void => {
    if (duplicates.delete(file)) forgetDuplicate(state, file);
  };

  /** @param facts null: the file is gone */
  const note = (path: string, facts: KnownFile | null): void => {
    const refused = known.get(path)?.refused ?? null;
    if (refused !== null && refused !== facts?.refused) forgetRefused(state, refused, path);
    if (facts) known.set(path, facts);
    else known.delete(path);
  };

  return {
    async scan(settings, mark) {
      const put: PlanChanges['put'][number][] = [];
      const drop = new Set<string>();
      const { files, folders } = await findPlanFiles(folder);
      const present = new Set(files.map(({ path }) => path));
      patience.keep((path) => present.has(path) || known.has(path));
      // What was taken away while no daemon looked is gone.
      const gone = first;
      if (first) {
        first = false;
        for (const record of listSchedules(state)) {
          if (!record.file.startsWith(join(folder, '/')) || record.removed !== null) continue;
          const [plan, refused] = record.facts ? [record.plan, null] : [null, record.plan];
          known.set(record.file, { stamp: record.stamp ?? '', plan, refused });
          if (record.error) said.set(record.file, record.error.message);
          if (record.facts && present.has(record.file))
            put.push({ plan: record.plan, facts: record.facts, since: record.since });
        }
        for (const { file, error } of duplicatePlans(state)) {
          if (!file.startsWith(join(folder, '/'))) continue;
          known.set(file, { stamp: '', plan: null });
          said.set(file, error.message);
          duplicates.add(file);
        }
      }
      for (const [path, { plan }] of known) {
        if (present.has(path)) continue;
        if (plan !== null && !gone && !patience.lasted(path)) continue;
        patience.over(path);
        settled(path);
        note(path, null);
        said.delete(path);
        if (plan !== null) end(plan, path);
      }

      function end(plan: string, path: string): void {
        if (findSchedule(state, plan)?.file !== path) return;
        removeSchedule(state, plan, now());
        drop.add(plan);
        log.info({ plan, file: path }, 'plan is not scheduled any more');
      }

      const take = ({ path }: FoundFile, stamp: string, read: ReadPlan): void => {
        const before = known.get(path);
        const own = before?.plan ?? null;
        const wrong = read.type === 'invalid' || (own !== null && (read.type === 'none' || read.name !== own));
        if (!wrong) patience.over(path);
        else if (!patience.lasted(path)) return;
        const holder = read.type === 'plan' ? findSchedule(state, read.name) : undefined;
        const taken = holder?.facts && holder.removed === null && holder.file !== path && present.has(holder.file);
        if (!taken) settled(path);
        if (read.type === 'invalid') {
          const error = errorToJson(read.error);
          const plan = own ?? read.name;
          const owner = plan === null ? undefined : findSchedule(state, plan);
          const mine = plan !== null && (!owner || owner.file === path || owner.removed !== null);
          const told = owner?.file === path && owner.error?.message === error.message;
          const seen = read.unread ? '' : stamp;
          if (mine) refusePlan(state, { plan, file: path, error, stamp: seen, now: now() });
          note(path, { stamp: seen, plan: own, refused: mine && own === null ? plan : null });
          return complain(path, plan, error, told);
        }
        // What is wrong with the file from now on is another matter.
        patience.over(path);
        if (own !== null && (read.type === 'none' || read.name !== own)) end(own, path);
        if (read.type === 'none') return note(path, { stamp, plan: null });
        if (taken) {
          note(path, { stamp: '', plan: null });
          const error = errorToJson(duplicate(read.name, path, holder.file));
          if (said.get(path) !== error.message) noteDuplicate(state, { file: path, plan: read.name, error });
          duplicates.add(path);
          return complain(path, read.name, error, false);
        }
        const accepted = { plan: read.name, file: path, text: read.text, facts: read.facts, stamp, now: now() };
        const since = acceptPlan(state, accepted, holder);
        watchPlan(state, read.plan, path);
        note(path, { stamp, plan: read.name });
        for (const warning of read.warnings) log.warn({ plan: read.name, file: path, warning }, 'plan has a warning');
        if (said.delete(path)) log.info({ plan: read.name, file: path }, 'plan is valid again');
        drop.delete(read.name);
        put.push({ plan: read.name, facts: read.facts, since });
      };

      const changed = files.filter(({ path, stamp }) => known.get(path)?.stamp !== `${stamp}:${mark}`);
      for (let at = 0; at < changed.length; at += batch) {
        const piece: { readonly file: FoundFile; readonly read: ReadPlan }[] = [];
        for (const file of changed.slice(at, at + batch)) {
          const scheduled = (known.get(file.path)?.plan ?? null) !== null;
          piece.push({ file, read: readFound(file.path, settings, scheduled) });
          if (piece.length % 20 === 0) await turn();
        }
        state.transaction(() => {
          for (const { file, read } of piece) take(file, `${file.stamp}:${mark}`, read);
        });
        await turn();
      }
      return { put, drop: [...drop], folders, againMs: patience.againMs() };
    },
  };
}

/** A file of the folder, which nobody named: whoever can write it decides what the daemon runs. */
function readFound(file: string, settings: LoadedSettings, scheduled: boolean): ReadPlan {
  const error = distrustedPlan(file);
  return error ? { type: 'invalid', name: null, error, unread: true } : readPlan(file, settings, scheduled);
}

const duplicate = (plan: string, file: string, first: string): SendenseError =>
  new SendenseError('schedule.duplicate', `${file}: a plan named ${plan} is in ${first} already, which stays in force`);
