import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import type { ErrorCode } from '../../src/errors/catalogue.ts';
import { packageRoot } from '../../src/schemas/validator.ts';

/** What `src/steps/examples/<uses>.yaml` says of a step beyond its schema and its code. */
export interface StepNotes {
  /** What the step does, in some sentences. */
  readonly does: string;
  /** What its claim names; undefined: nothing. */
  readonly claim?: string;
  /** What undo takes back; undefined: nothing. */
  readonly undo?: string;
  /** Those that are its own; any step can also be cancelled or time out. */
  readonly errors: readonly ErrorCode[];
  readonly examples: readonly StepExample[];
}

export interface StepExample {
  readonly title: string;
  readonly text?: string;
  /** Kind of the plan that it stands in; default: the first whose runner uses the step. */
  readonly kind?: string;
  /** Commands: where in the plan they stand. Other steps take the place of the runner's. */
  readonly place?: 'before' | 'after';
  /** One entry of a pipeline. */
  readonly step: {
    readonly id: string;
    readonly uses?: string;
    readonly run?: readonly string[];
    readonly with?: object;
  };
}

const folder = join(packageRoot, 'src/steps/examples');

/** By `uses`. */
export const stepNotes = (): ReadonlyMap<string, StepNotes> =>
  new Map(
    globSync('*.yaml', { cwd: folder }).map((file) => [
      basename(file, '.yaml'),
      parse(readFileSync(join(folder, file), 'utf8')) as StepNotes,
    ]),
  );

export interface RunnerStep {
  readonly id: string;
  readonly uses: string;
}

/** Steps by kind, as they stand in `runners/`. */
export const runnerSteps = (): ReadonlyMap<string, readonly RunnerStep[]> =>
  new Map(
    globSync('*.yaml', { cwd: join(packageRoot, 'runners') })
      .toSorted()
      .map((file) => [
        basename(file, '.yaml'),
        (parse(readFileSync(join(packageRoot, 'runners', file), 'utf8')) as { steps: RunnerStep[] }).steps,
      ]),
  );
