import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Settings, ValidateOutput } from '../schemas/types.ts';
import { conflictingPlans } from './checks/conflicting-plans.ts';
import { validatorOf } from '../schemas/validator.ts';
import { diagnosticOf, fileDiagnostic, type Diagnostic } from './diagnostics/diagnostic.ts';
import type { PlanDocument } from './yaml/document.ts';
import { exposedSecrets } from './yaml/exposed-secrets.ts';
import { loadPlanFile, loadPlanText, looksLikeNodeSettings, looksLikeSettings, type LoadedPlan } from './load-plan.ts';
import { distrustedSettings, findSettings, loadSettings, settingsName, type LoadedSettings } from './load-settings.ts';
import { byName } from './names.ts';
import { completePlan } from './expand/prepare-plan.ts';
import { scheduleWarnings } from './checks/schedule-warnings.ts';
import { reasonOf, textOf } from './yaml/read-document.ts';
import { schemaDiagnostics } from './diagnostics/schema-diagnostics.ts';
import { schemaNode } from './diagnostics/schema-node.ts';
import { settingsWarnings } from './checks/settings-warnings.ts';

export interface ValidationResult {
  /** Warnings aside. */
  readonly valid: boolean;
  /** Everything that was looked at, the settings that were used too. */
  readonly files: ValidateOutput['files'];
  readonly diagnostics: readonly Diagnostic[];
  /** Text by file, for excerpts. */
  readonly texts: ReadonlyMap<string, string>;
}

export interface ValidateOptions {
  /** Settings file; default: searched for each plan. */
  readonly config?: string | undefined;
  /** What `-` stands for. */
  readonly stdin?: string | Uint8Array | undefined;
  /** Absolute: what `-` is called, and from where its paths count; default: `<stdin>` in the current folder. */
  readonly as?: string | undefined;
  /** Names of nodes that plans may name without an entry in these settings. */
  enrolledNodes?(settings: LoadedSettings): readonly string[];
}

/** Settings that others could have written name no database that is opened here. */
function withNodes(loaded: LoadedSettings, { enrolledNodes, config }: ValidateOptions): LoadedSettings {
  if (!loaded.settings || !enrolledNodes) return loaded;
  if (config === undefined && loaded.file !== undefined && distrustedSettings(loaded.file)) return loaded;
  const enrolled = Object.fromEntries(enrolledNodes(loaded).map((name) => [name, { mode: 'dial-hub' as const }]));
  return {
    ...loaded,
    settings: { ...loaded.settings, nodes: byName<Settings['nodes'][string]>(enrolled, loaded.settings.nodes) },
  };
}

/**
 * Validates plans and settings: files, folders (with everything below them) and `-`. Touches neither network nor secrets.
 * A plan is checked against the settings that a run of it would use, so in a tree each against its own. Settings that others could have
 * written get a warning where they are among what was named, and are not even read where a search finds them above it.
 */
export function validateFiles(paths: readonly string[], options: ValidateOptions = {}): ValidationResult {
  const files: ValidateOutput['files'] = [];
  const diagnostics: Diagnostic[] = [];
  const texts = new Map<string, string>();
  const settingsByFile = new Map<string, LoadedSettings>();
  const done = new Set<string>();
  const conflicts = conflictingPlans();
  const entries = paths.map((path) => ({ path, found: expand(path) }));
  const named = new Set(
    entries.flatMap(({ found }) => found.map((entry) => ('file' in entry ? resolve(entry.file) : ''))),
  );

  function useSettings(startFolder: string): LoadedSettings {
    const path = options.config ?? findSettings(startFolder);
    const known = settingsByFile.get(path === undefined ? '' : resolve(path));
    const isNamed = path !== undefined && named.has(resolve(path));
    return known ?? settings(options.config ?? (isNamed ? path : undefined), startFolder);
  }

  function settings(path: string | undefined, startFolder: string): LoadedSettings {
    const loaded = loadSettings(path, startFolder);
    settingsByFile.set(loaded.file ?? '', loaded);
    const file = shownName(loaded) ?? path;
    const distrusted = path === undefined ? null : distrustedSettings(resolve(path), file);
    if (file !== undefined)
      report({ file, kind: 'settings', name: null }, loaded.document?.text, [
        ...loaded.diagnostics,
        ...settingsWarnings(loaded),
        ...exposed(loaded.document),
        ...(distrusted ? [{ ...distrusted, severity: 'warning' as const }] : []),
      ]);
    return loaded;
  }

  function report(
    entry: Omit<ValidateOutput['files'][number], 'valid'>,
    text: string | undefined,
    found: readonly Diagnostic[],
  ): void {
    files.push({ ...entry, valid: found.every(isWarning) });
    diagnostics.push(...found);
    if (text !== undefined) texts.set(entry.file, text);
  }

  function plan(loaded: LoadedPlan): void {
    const used = withNodes(useSettings(loaded.document.folder), options);
    const prepared = completePlan(loaded, used);
    const { file, text, value } = loaded.document;
    const entry = { file, kind: textAt(value, 'kind'), name: textAt(value, 'name') };
    const more = prepared.plan ? [...scheduleWarnings(loaded.document, prepared.plan), ...conflicts(loaded, used)] : [];
    more.push(...exposed(loaded.document));
    report({ ...entry, settings: shownName(used) }, text, [...prepared.diagnostics, ...more]);
  }

  /** An empty file says nothing else than the defaults. */
  function nodeSettings({ document, diagnostics: all }: LoadedPlan): void {
    const { file, text, value } = document;
    const check = validatorOf('node-settings.json');
    const wrong = all.filter(({ rule }) => /^(file|yaml)\//.test(rule) && rule !== 'yaml/empty');
    const form =
      wrong.length > 0 || value === null || value === undefined || check(structuredClone(value))
        ? []
        : schemaDiagnostics(document, check.errors ?? [], schemaNode('node-settings.json'));
    report({ file, kind: 'node settings', name: null }, text, [...wrong, ...form]);
  }

  for (const { found } of entries) {
    for (const entry of found) {
      if ('diagnostic' in entry)
        report({ file: entry.diagnostic.file, kind: null, name: null }, undefined, [entry.diagnostic]);
      else if (entry.file === '-') plan(fromInput(options));
      else if (!done.has(resolve(entry.file))) {
        done.add(resolve(entry.file));
        const loaded = basename(entry.file) === settingsName ? undefined : loadPlanFile(entry.file);
        if (loaded && looksLikeNodeSettings(loaded.document)) nodeSettings(loaded);
        else if (loaded && !looksLikeSettings(loaded.document.value)) plan(loaded);
        else if (!settingsByFile.has(resolve(entry.file))) settings(entry.file, '.');
      }
    }
  }
  return { valid: diagnostics.every(isWarning), files, diagnostics, texts };
}

const exposed = (document: PlanDocument | undefined): Diagnostic[] =>
  !document
    ? []
    : exposedSecrets(document.value, document.folder).map((finding) => ({
        ...diagnosticOf(document, finding),
        severity: 'warning',
      }));

const isWarning = ({ severity }: Diagnostic): boolean => severity === 'warning';

/** As it is named in the output; null where there are none. */
const shownName = ({ document, file }: LoadedSettings): string | null => document?.file ?? file ?? null;

function fromInput({ stdin: input = '', as }: ValidateOptions): LoadedPlan {
  const file = as ?? '<stdin>';
  const folder = as === undefined ? process.cwd() : dirname(as);
  const source = textOf(typeof input === 'string' ? Buffer.from(input) : input, file);
  const loaded = loadPlanText({ file, folder, text: 'text' in source ? source.text : '' });
  return 'text' in source ? loaded : { ...loaded, diagnostics: [source.diagnostic] };
}

type Entry = { readonly file: string } | { readonly diagnostic: Diagnostic };

/** The YAML files that a path stands for. */
function expand(path: string): Entry[] {
  if (path === '-') return [{ file: path }];
  try {
    if (!statSync(path).isDirectory()) return [{ file: path }];
    const found = below(path);
    if (found.length > 0) return found;
    return [{ diagnostic: fileDiagnostic(path, 'file/no-plans', `${path} holds no *.yaml or *.yml file`) }];
  } catch (error) {
    return [{ diagnostic: fileDiagnostic(path, 'file/unreadable', `${path} cannot be read: ${reasonOf(error)}`) }];
  }
}

/** Hidden folders and node_modules are left out, and links to folders are not followed. */
function below(folder: string): Entry[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return entry.name.startsWith('.') || entry.name === 'node_modules' ? [] : belowIfReadable(path);
    return /\.ya?ml$/.test(entry.name) && (entry.isFile() || (entry.isSymbolicLink() && isFile(path)))
      ? [{ file: path }]
      : [];
  });
}

/** The state of a service may lie among the plans, closed to everybody else: that is no reason not to check the rest. */
function belowIfReadable(folder: string): Entry[] {
  try {
    return below(folder);
  } catch (error) {
    const message = `${folder} was not looked into: ${reasonOf(error)}`;
    const remedy = 'If it holds plans, run this as a user who may read it.';
    return [{ diagnostic: { ...fileDiagnostic(folder, 'file/unreadable', message, remedy), severity: 'warning' } }];
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
}

function textAt(value: unknown, key: string): string | null {
  const found =
    typeof value === 'object' && value !== null && Object.hasOwn(value, key)
      ? (value as Record<string, unknown>)[key]
      : undefined;
  return typeof found === 'string' ? found : null;
}
