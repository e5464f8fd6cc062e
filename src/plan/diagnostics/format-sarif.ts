import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../schemas/validator.ts';
import type { Diagnostic } from './diagnostic.ts';
import { rules, type RuleId } from '../../errors/findings/rules.ts';
import type { ValidationResult } from '../validate-files.ts';

/** Rules that a valid plan may break. */
const warnings: ReadonlySet<RuleId> = new Set<RuleId>([
  'schedule/rpo',
  'schedule/never-runs',
  'settings/no-data',
  'settings/no-default',
]);

/** SARIF 2.1.0, for code scanning. Columns count UTF-16 units. */
export function formatSarif(result: ValidationResult): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  const ids = Object.keys(rules) as RuleId[];
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'sendense',
            version,
            rules: ids.map((id) => ({
              id,
              shortDescription: { text: `${rules[id].title}.` },
              help: { text: rules[id].remedy },
              defaultConfiguration: { level: warnings.has(id) ? 'warning' : 'error' },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: result.diagnostics.map((item) => sarifResult(item, ids.indexOf(item.rule))),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function sarifResult(item: Diagnostic, ruleIndex: number): object {
  const hints = [item.suggestion === null ? '' : ` Did you mean ${item.suggestion}?`, ` ${item.remedy}`];
  return {
    ruleId: item.rule,
    ruleIndex,
    level: item.severity,
    message: { text: `${item.message}.${hints.join('')}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(item.file) },
          region: {
            startLine: item.line,
            startColumn: item.column,
            endLine: item.end_line,
            endColumn: item.end_line === item.line ? Math.max(item.end_column, item.column + 1) : item.end_column,
          },
        },
        ...(item.path === '' ? {} : { logicalLocations: [{ fullyQualifiedName: item.path }] }),
      },
    ],
  };
}

const uriOf = (file: string): string =>
  isAbsolute(file) ? pathToFileURL(file).href : file.split('/').map(encodeURIComponent).join('/');
