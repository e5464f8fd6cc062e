import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { Settings } from '../schemas/types.ts';
import { validatorOf } from '../schemas/validator.ts';
import { notifySettingsFindings } from './checks/check-notify.ts';
import { checkDuration } from './checks/check-duration.ts';
import { checkDisks } from './checks/check-plan.ts';
import { nodeFindings } from './checks/check-nodes.ts';
import { repositoryFindings } from './checks/check-repositories.ts';
import { diagnosticOf, fileDiagnostic, inOrder, type Diagnostic } from './diagnostics/diagnostic.ts';
import { distrustOf } from '../host/trust/distrust-of.ts';
import type { PlanDocument } from './yaml/document.ts';
import { byName } from './names.ts';
import { parseDocument, valueOf } from './yaml/parse-document.ts';
import { readDocument } from './yaml/read-document.ts';
import { schemaDiagnostics } from './diagnostics/schema-diagnostics.ts';
import { schemaNode } from './diagnostics/schema-node.ts';
import { kindNamed } from '../sources/index.ts';
import { durationMs } from '../time/duration.ts';

export const settingsName = 'sendense.yaml';

export interface LoadedSettings {
  /** Absolute; undefined where no settings file was found. */
  readonly file: string | undefined;
  /** Folder against which relative paths in the settings count; the start folder where there are none. */
  readonly folder: string;
  readonly document: PlanDocument | undefined;
  /** With defaults filled in; undefined where none was found or there is a diagnostic. */
  readonly settings: Settings | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The named file; else sendense.yaml in the start folder, in one above it, or in /etc/sendense/. Nothing found is no diagnostic.
 * What is found is not even read where others could have written it ({@link distrustOf}).
 */
export function loadSettings(explicitPath: string | undefined, startFolder: string): LoadedSettings {
  const file = explicitPath === undefined ? findSettings(startFolder) : resolve(explicitPath);
  if (file === undefined)
    return { file, folder: resolve(startFolder), document: undefined, settings: undefined, diagnostics: [] };
  const shownAs = explicitPath ?? nearName(file);
  const source = explicitPath === undefined ? readFound(file, shownAs) : readDocument(file, shownAs);
  if ('text' in source)
    return { ...loadSettingsText({ file: shownAs, text: source.text, folder: dirname(file) }), file };
  return { file, folder: dirname(file), document: undefined, settings: undefined, diagnostics: [source.diagnostic] };
}

function readFound(file: string, shownAs: string): ReturnType<typeof readDocument> {
  const diagnostic = distrustedSettings(file, shownAs);
  return diagnostic ? { diagnostic } : readDocument(file, shownAs);
}

/** Null where only root and this user could have written them. */
export function distrustedSettings(file: string, shownAs = file): Diagnostic | null {
  const distrust = distrustOf(file);
  if (!distrust) return null;
  const message = `others could have written these settings: ${distrust.message}`;
  const remedy = `${distrust.remedy}; or name the file: --config ${file}`;
  return fileDiagnostic(shownAs, 'settings/untrusted', message, remedy);
}

export function findSettings(startFolder: string): string | undefined {
  for (let folder = resolve(startFolder); ; folder = dirname(folder)) {
    const file = join(folder, settingsName);
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) break;
  }
  const file = join('/etc/sendense', settingsName);
  return existsSync(file) ? file : undefined;
}

/** Relative to the working folder where the file is in it. */
const nearName = (file: string): string => {
  const near = relative(process.cwd(), file);
  return near.startsWith('..') ? file : near;
};

/** @param source.folder absolute; default: the folder of `file` */
export function loadSettingsText(source: { file: string; text: string; folder?: string }): LoadedSettings {
  const { document, diagnostics: syntax, intact } = parseDocument(source);
  const base = { file: resolve(source.file), folder: document.folder, document };
  if (!intact) return { ...base, settings: undefined, diagnostics: inOrder(syntax) };
  const value = valueOf(document);
  const validate = validatorOf('settings.json');
  const form = validate(value) ? [] : schemaDiagnostics(document, validate.errors ?? [], schemaNode('settings.json'));
  const diagnostics = inOrder([...syntax, ...form, ...checkSettings(document)]);
  return { ...base, settings: diagnostics.length === 0 ? ownNamesOnly(value as Settings) : undefined, diagnostics };
}

function ownNamesOnly(settings: Settings): Settings {
  const { repositories, nodes, sources, notify } = settings;
  return {
    ...settings,
    repositories: byName(repositories),
    nodes: byName(nodes),
    sources: byName(sources),
    notify: { ...notify, channels: byName(notify.channels) },
  };
}

type Mapping = Readonly<Record<string, unknown>>;
const mapping = (value: unknown): Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};

function checkSettings(document: PlanDocument): Diagnostic[] {
  const settings = mapping(document.value);
  const ports = mapping(settings['ports']);
  const { from = 10100, to = 10200, wait } = ports as { from?: unknown; to?: unknown; wait?: unknown };
  const diagnostics: Diagnostic[] = [
    ...checkDuration(document, mapping(settings['files'])['idle'], ['files', 'idle'], 1000),
  ];
  if (typeof from === 'number' && typeof to === 'number' && from > to) {
    const path = ports['from'] === undefined ? ['ports', 'to'] : ['ports', 'from'];
    diagnostics.push(
      diagnosticOf(document, {
        rule: 'settings/ports',
        at: { path, part: 'value' },
        message: `the port range from ${from} to ${to} holds no port`,
      }),
    );
  }
  if (durationMs(wait) !== undefined) diagnostics.push(...checkDuration(document, wait, ['ports', 'wait'], 0));
  diagnostics.push(...notifySettingsFindings(settings['notify']).map((item) => diagnosticOf(document, item)));
  for (const [name, repository] of Object.entries(mapping(settings['repositories'])))
    diagnostics.push(
      ...repositoryFindings(mapping(repository), ['repositories', name]).map((item) => diagnosticOf(document, item)),
    );
  for (const [name, node] of Object.entries(mapping(settings['nodes'])))
    diagnostics.push(...nodeFindings(mapping(node), ['nodes', name]).map((item) => diagnosticOf(document, item)));
  for (const [name, entry] of Object.entries(mapping(settings['sources']))) {
    const source = mapping(entry);
    const kind = kindNamed(source['type']);
    const found = kind?.settingsFindings(source, ['sources', name]) ?? [];
    diagnostics.push(...found.map((item) => diagnosticOf(document, item)));
    for (const [vm, described] of Object.entries(mapping(source['vms']))) {
      diagnostics.push(...checkDisks(document, mapping(described)['disks'], ['sources', name, 'vms', vm, 'disks']));
    }
  }
  return diagnostics;
}
