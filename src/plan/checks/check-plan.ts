import type { Path } from '../../errors/findings/finding.ts';
import { isAbsolute, resolve } from 'node:path';
import { bootFindings } from './check-boot.ts';
import { checkRetention } from './check-retention.ts';
import { checkDuration } from './check-duration.ts';
import { targetFindings } from './check-target.ts';
import { restoreFindings } from './check-restore.ts';
import { pruneFindings } from './check-prune.ts';
import { checkSchedule } from './check-schedule.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { positionOf, pointerOf, type PlanDocument } from '../yaml/document.ts';
import { isTemplate, templateParts } from '../expressions/template.ts';
import { placeWords, shown } from '../../errors/findings/words.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** What a schema cannot say about a plan. The plan may still have mistakes of form, so nothing is taken for granted. */
export function checkPlan(document: PlanDocument): Diagnostic[] {
  const plan = mapping(document.value);
  return [
    ...checkSchedule(document, plan['schedule']),
    ...checkRetention(document, plan['retention']),
    ...list(plan['overrides']).flatMap((override, index) =>
      checkRetention(document, mapping(override)['retention'], ['overrides', index, 'retention']),
    ),
    ...checkDurations(document),
    ...checkDisks(document, mapping(mapping(plan['vm'])['source'])['disks'], ['vm', 'source', 'disks']),
    ...[
      ...restoreFindings(plan),
      ...bootFindings(plan),
      ...pruneFindings(plan),
      ...targetFindings(mapping(plan['to']), plan['files'] !== undefined),
    ].map((finding) => diagnosticOf(document, finding)),
    ...checkPlacement(document, plan),
  ];
}

const mapping = (value: unknown): Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

function checkDurations(document: PlanDocument): Diagnostic[] {
  const plan = mapping(document.value);
  const places: [unknown, Path][] = [
    [plan, []],
    ...(['before', 'steps', 'after'] as const).flatMap((name) =>
      list(plan[name]).map((entry, index): [unknown, Path] => [entry, [name, index]]),
    ),
  ];
  return places.flatMap(([at, path]) => {
    const retry = mapping(mapping(at)['retry']);
    return [
      ...['timeout', 'stallTimeout'].flatMap((key) => checkDuration(document, mapping(at)[key], [...path, key], 1)),
      ...['delay', 'maxDelay'].flatMap((key) => checkDuration(document, retry[key], [...path, 'retry', key], 0)),
    ];
  });
}

/** The same file or uuid twice would back up one disk under two numbers. */
export function checkDisks(document: PlanDocument, disks: unknown, path: Path): Diagnostic[] {
  const seen = new Map<string, number>();
  return list(disks).flatMap((disk, index) =>
    (['path', 'uuid'] as const).flatMap((key) => {
      const value = mapping(disk)[key];
      if (typeof value !== 'string') return [];
      const identity = `${key}:${key === 'path' ? resolve(document.folder, value) : value}`;
      const first = seen.get(identity);
      if (first === undefined) {
        seen.set(identity, index);
        return [];
      }
      const { line } = positionOf(document, pointerOf([...path, first, key]));
      const message = `the ${key} ${shown(value)} is that of disk ${first} in line ${line} already`;
      return [
        diagnosticOf(document, {
          rule: 'disks/duplicate',
          at: { path: [...path, index, key], part: 'value' },
          message,
        }),
      ];
    }),
  );
}

const evaluated = new Set(['steps', 'before', 'after', 'result']);

/** `${{ }}` outside of steps would be taken literally: a folder named `${{ run.id }}`. */
function checkPlacement(document: PlanDocument, plan: Mapping): Diagnostic[] {
  const walk = (value: unknown, path: Path): Diagnostic[] => {
    if (typeof value === 'object' && value !== null) {
      return Object.entries(value).flatMap(([key, entry]) =>
        key.startsWith('x-') ? [] : walk(entry, [...path, Array.isArray(value) ? Number(key) : key]),
      );
    }
    if (typeof value !== 'string' || !isTemplate(value) || !holdsExpression(value)) return [];
    return [
      diagnosticOf(document, {
        rule: 'expression/not-here',
        at: { path, part: 'value' },
        message: `no expression is evaluated in ${placeWords(path)}`,
      }),
    ];
  };
  return Object.entries(plan).flatMap(([key, value]) =>
    evaluated.has(key) || key.startsWith('x-') || key === 'description' ? [] : walk(value, [key]),
  );
}

function holdsExpression(text: string): boolean {
  try {
    return templateParts(text).some((part) => part.type === 'expression');
  } catch {
    return true;
  }
}

/** Relative disk paths, for a node that is on another host. */
export function relativeDisks(document: PlanDocument): Path[] {
  const disks = list(mapping(mapping(mapping(document.value)['vm'])['source'])['disks']);
  return disks.flatMap((disk, index) =>
    (['path', 'changes'] as const).flatMap((key): Path[] => {
      const value = mapping(disk)[key];
      return typeof value === 'string' && !isAbsolute(value) ? [['vm', 'source', 'disks', index, key]] : [];
    }),
  );
}
