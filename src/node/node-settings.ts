import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { diagnosticOf, inOrder, type Diagnostic } from '../plan/diagnostics/diagnostic.ts';
import type { PlanDocument } from '../plan/yaml/document.ts';
import { distrustOf } from '../host/trust/distrust-of.ts';
import { parseDocument, valueOf } from '../plan/yaml/parse-document.ts';
import { readDocument } from '../plan/yaml/read-document.ts';
import { schemaDiagnostics } from '../plan/diagnostics/schema-diagnostics.ts';
import { schemaNode } from '../plan/diagnostics/schema-node.ts';
import { parseHostAndPort, type HostAndPort } from '../schemas/host-and-port.ts';
import type { NodeSettings } from '../schemas/types.ts';
import { validatorOf } from '../schemas/validator.ts';
import { parseListen, type ListenAddress } from './listen-address.ts';

/** Read where the command line names no file, and only if it is there. */
const usualFile = '/etc/sendense/node.yaml';

const defaultHubPort = 443;

/** The settings of a node, with the options of the command line put over them; all paths are absolute. */
export interface ResolvedNodeSettings {
  /** Undefined where there is no settings file. */
  readonly file: string | undefined;
  readonly stateDir: string;
  readonly listen: ListenAddress;
  readonly tokenFile: string;
  readonly logLevel: NodeSettings['logLevel'];
  /** Instead of the address that was used at the enrolment. */
  readonly hub: HostAndPort | undefined;
  readonly program: NodeSettings['tunnel']['program'];
  /** Where disks of a hub may be beside its usual places: names and addresses. */
  readonly nbdHosts: readonly string[];
  readonly limits: NodeSettings['limits'];
}

/** What the command line says; relative paths count from the working folder. */
export interface NodeOverrides {
  readonly config?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly listen?: ListenAddress | undefined;
  readonly tokenFile?: string | undefined;
  readonly logLevel?: NodeSettings['logLevel'] | undefined;
}

/** @throws SendenseError `settings.untrusted`; `settings.invalid` with the diagnostics in its details, each with line and column */
export function loadNodeSettings(overrides: NodeOverrides, usual = usualFile): ResolvedNodeSettings {
  const file = overrides.config ?? (existsSync(usual) ? usual : undefined);
  const distrust = file === undefined || overrides.config !== undefined ? null : distrustOf(file);
  if (distrust)
    throw new SendenseError(
      'settings.untrusted',
      `${file}: others could have written these settings: ${distrust.message}`,
      {
        remedy: `${distrust.remedy}; or name the file: --config ${file}`,
      },
    );
  const settings = file === undefined ? defaults() : readSettings(file);
  const folder = file === undefined ? process.cwd() : dirname(resolve(file));
  const stateDir = overrides.stateDir === undefined ? resolve(folder, settings.stateDir) : resolve(overrides.stateDir);
  return {
    file: file === undefined ? undefined : resolve(file),
    stateDir,
    listen: overrides.listen ?? listenAddress(settings.listen, folder),
    tokenFile:
      overrides.tokenFile !== undefined
        ? resolve(overrides.tokenFile)
        : settings.tokenFile === undefined
          ? (tokenCredential() ?? join(stateDir, 'token'))
          : resolve(folder, settings.tokenFile),
    logLevel: overrides.logLevel ?? settings.logLevel,
    hub: settings.hub === undefined ? undefined : hubAddress(settings.hub),
    program: settings.tunnel.program,
    nbdHosts: settings.nbd.hosts,
    limits: settings.limits,
  };
}

/** The token that the unit hands over with `LoadCredential=`, where there is one (systemd.exec(5)). */
function tokenCredential(): string | undefined {
  const folder = process.env['CREDENTIALS_DIRECTORY'];
  const file = folder === undefined ? undefined : join(folder, 'sendense-node.token');
  return file !== undefined && existsSync(file) ? file : undefined;
}

/** `host` or `host:port` of a hub; 443 where no port is said. @throws SendenseError `usage` */
export function hubAddress(text: string): HostAndPort {
  const address = parseHostAndPort(text, defaultHubPort);
  if ('fault' in address) throw new SendenseError('usage', `the hub: ${address.message}`);
  return address;
}

function listenAddress(text: string, folder: string): ListenAddress {
  const address = parseListen(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return 'socket' in address ? { socket: resolve(folder, address.socket) } : address;
}

function defaults(): NodeSettings {
  const value = {};
  validatorOf('node-settings.json')(value);
  return value as NodeSettings;
}

function readSettings(path: string): NodeSettings {
  const source = readDocument(path);
  if (!('text' in source)) throw invalid([source.diagnostic], '');
  const { document, diagnostics: syntax, intact } = parseDocument({ file: path, text: source.text });
  if (!intact) throw invalid(inOrder(syntax), source.text);
  const value = valueOf(document);
  const validate = validatorOf('node-settings.json');
  const form = validate(value)
    ? []
    : schemaDiagnostics(document, validate.errors ?? [], schemaNode('node-settings.json'));
  const diagnostics = inOrder([...syntax, ...form, ...(form.length === 0 ? addressFindings(document, value) : [])]);
  if (diagnostics.length > 0) throw invalid(diagnostics, source.text);
  return value as NodeSettings;
}

/** What the patterns of the schema cannot tell: ports beyond 65535, addresses that are none. */
function addressFindings(document: PlanDocument, value: unknown): Diagnostic[] {
  const { listen, hub } = value as NodeSettings;
  const found = [];
  if (parseListen(listen) === null)
    found.push({ key: 'listen', message: `${JSON.stringify(listen)} is not an address to listen at` });
  const address = hub === undefined ? null : parseHostAndPort(hub, defaultHubPort);
  if (address !== null && 'fault' in address) found.push({ key: 'hub', message: address.message });
  return found.map(({ key, message }) =>
    diagnosticOf(document, {
      rule: 'schema/pattern',
      at: { path: [key], part: 'value' },
      message,
    }),
  );
}

/** One error for all diagnostics, at the place of the first. */
function invalid(diagnostics: readonly Diagnostic[], text: string): SendenseError {
  const [first] = diagnostics;
  if (!first) throw new TypeError('invalid without a diagnostic');
  const more = diagnostics.length > 1 ? ` (and ${diagnostics.length - 1} more)` : '';
  return new SendenseError('settings.invalid', `${first.file}:${first.line}:${first.column}: ${first.message}${more}`, {
    remedy: first.remedy,
    position: { file: first.file, line: first.line, column: first.column },
    details: { diagnostics, text },
  });
}
