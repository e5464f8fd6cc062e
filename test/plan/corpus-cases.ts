import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { RuleId } from '../../src/errors/findings/rules.ts';
import { validateFiles, type ValidationResult } from '../../src/plan/validate-files.ts';

/** `case.json` of a folder of the corpus. */
export interface CorpusCase {
  /** The folder is named after it, with -- for the slash. */
  readonly rule: RuleId;
  readonly folder: string;
  /** What to validate, relative to the folder; default: its plans, or its sendense.yaml where it has no plan. */
  readonly paths: readonly string[];
  /** Makes `plan.yaml` large, which no one wants in the repository. */
  readonly pad?: { readonly text: string; readonly times: number };
  /** Gives files of a copy other modes, octal. */
  readonly modes?: Readonly<Record<string, string>>;
  readonly diagnostics: readonly {
    readonly file: string;
    readonly rule: string;
    readonly line: number;
    readonly column: number;
    readonly message: string;
  }[];
}

export const corpus = join(import.meta.dirname, 'corpus');

export function corpusCases(): CorpusCase[] {
  const folders = readdirSync(corpus, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => {
    const folder = join(corpus, name);
    const read = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as Partial<CorpusCase>;
    const yaml = readdirSync(folder)
      .filter((file) => file.endsWith('.yaml'))
      .sort();
    const plans = yaml.filter((file) => file !== 'sendense.yaml');
    return {
      paths: plans.length > 0 ? plans : yaml,
      diagnostics: [],
      ...read,
      rule: name.replace('--', '/') as RuleId,
      folder,
    };
  });
}

/** Validates a case; file names in the result are relative to its folder. */
export function runCase(example: CorpusCase): ValidationResult {
  const padded = example.pad || example.modes ? copyCase(example) : undefined;
  try {
    return relativeTo(padded ?? example.folder, (folder) =>
      validateFiles(example.paths.map((path) => join(folder, path))),
    );
  } finally {
    if (padded !== undefined) rmSync(join(padded, '..'), { recursive: true });
  }
}

function copyCase({ folder, pad, modes = {} }: CorpusCase): string {
  const copy = join(mkdtempSync(join(tmpdir(), 'corpus-')), 'case');
  cpSync(folder, copy, { recursive: true });
  // Others can look in: a corpus of a checkout in a private home says the same.
  for (const made of [copy, join(copy, '..')]) chmodSync(made, 0o755);
  copyFileSync(join(corpus, 'sendense.yaml'), join(copy, '../sendense.yaml'));
  for (const [name, mode] of Object.entries(modes)) chmodSync(join(copy, name), Number.parseInt(mode, 8));
  if (pad) appendFileSync(join(copy, 'plan.yaml'), pad.text.repeat(pad.times));
  return copy;
}

function relativeTo(folder: string, validate: (folder: string) => ValidationResult): ValidationResult {
  const result = validate(folder);
  const short = (text: string): string =>
    text.replaceAll(join(folder, '/'), '').replaceAll(folder, '.').replaceAll(join(homedir(), '/'), '/home/you/');
  return {
    ...result,
    files: result.files.map((file) => ({
      ...file,
      file: short(file.file),
      ...(file.settings ? { settings: basename(file.settings) } : {}),
    })),
    diagnostics: result.diagnostics.map((item) => ({
      ...item,
      file: short(item.file),
      message: short(item.message),
      remedy: short(item.remedy),
    })),
    texts: new Map([...result.texts].map(([file, text]) => [short(file), text])),
  };
}
