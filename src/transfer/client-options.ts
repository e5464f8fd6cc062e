import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { SendenseError } from '../errors/sendense-error.ts';
import { parseJson } from '../schemas/parse-json.ts';
import { specOfDisks } from '../sources/image/image-spec.ts';
import { jobKind, jobKindNames, type JobKindName } from './job-kinds.ts';

export const clientHelp = `Usage: sendense-backup-client --job FILE|- --job-dir DIR [options]

Moves the data of one job: of a backup from its source to NBD targets, or of a restore to a new VM of vSphere. sendense-node starts it; it can also be run by hand.
It goes on when its caller is gone, unless it is told otherwise. SIGTERM or SIGINT cancels it.

  --job FILE|-               job document (JSON, schemas/node/backup-start.json), - for standard input
  --kind KIND                what the document asks for: backup (default), restore (schemas/node/restore-start.json),
                             compare (schemas/node/restore-compare.json), or in-place (schemas/node/in-place-start.json)
  --job-dir DIR              gets status.json, log.jsonl and KEY.index; holds SHA256.previous, the previous block indexes
  --job-id ID                \\
  --vm-name NAME              |
  --vm-path PATH              | fields of the document, in place of those that stand there.
  --vcenter-host HOST         | There is no flag for a password: it comes in the document only.
  --vcenter-user USER         |
  --nbd-targets TARGETS       | KEY:nbd://HOST:PORT/EXPORT,KEY:nbd://…
  --backup-type TYPE          | full or incremental
  --previous-change-id ID    /
  --disk PATH                an image or block device as source; once per disk, keys count from 0
  --socket-dir DIR           existing folder with a short path for sockets (default: one of its own)
  --target-addresses N       targets at 127.0.0.1 answer at so many loopback addresses, up to 127.0.0.N, at each through
                             another connection; default 1
  --not-a-disk PATH          a file or folder of the caller itself, of which no disk may be made; may be repeated
  --ends-with-caller         the caller holds descriptor 3 open; where that ends, nobody wants the job any more
  --checked                  the caller has validated the document, and made the folder
  --help, --version

Exit codes: 0 done, 1 failed, 2 usage, 75 try again, 130/143 cancelled; see docs/exit-codes.md.
`;

const flags = {
  'job': { type: 'string' },
  'kind': { type: 'string' },
  'job-dir': { type: 'string' },
  'job-id': { type: 'string' },
  'vm-name': { type: 'string' },
  'vm-path': { type: 'string' },
  'vcenter-host': { type: 'string' },
  'vcenter-user': { type: 'string' },
  'nbd-targets': { type: 'string' },
  'backup-type': { type: 'string' },
  'previous-change-id': { type: 'string' },
  'disk': { type: 'string', multiple: true },
  'socket-dir': { type: 'string' },
  'target-addresses': { type: 'string' },
  'not-a-disk': { type: 'string', multiple: true },
  'ends-with-caller': { type: 'boolean' },
  'checked': { type: 'boolean' },
  'help': { type: 'boolean', short: 'h' },
  'version': { type: 'boolean', short: 'V' },
} as const satisfies ParseArgsConfig['options'];

const fields = [
  'job-id',
  'vm-name',
  'vm-path',
  'vcenter-host',
  'vcenter-user',
  'nbd-targets',
  'backup-type',
  'previous-change-id',
] as const;

const mostAddresses = 16;

export type ClientOptions =
  | { readonly show: 'help' | 'version' }
  | {
      readonly show: null;
      readonly kind: JobKindName;
      /** Of that kind. */
      readonly request: { readonly lease_seconds?: number | null };
      readonly jobFolder: string;
      /** Nobody has made it yet. One that was made and is gone tells that the job is no longer wanted. */
      readonly isFolderNew: boolean;
      readonly socketFolder: string | null;
      readonly addresses: number;
      /** Files and folders of the caller, which are no disks. */
      readonly own: readonly string[];
      /** The caller holds descriptor 3 as long as it lives. */
      readonly endsWithCaller: boolean;
    };

/** The command line and the document that it names. @throws SendenseError `usage`, `request.invalid`, `file.unreadable` */
export async function readClientOptions(argv: readonly string[]): Promise<ClientOptions> {
  const { values } = parse(argv);
  if (values.help) return { show: 'help' };
  if (values.version) return { show: 'version' };
  if (!values['job-dir']) throw new SendenseError('usage', '--job-dir is missing');
  const kind = kindIn(values.kind);
  const said = [...fields, 'disk' as const].find((flag) => values[flag] !== undefined);
  if (kind !== 'backup' && said !== undefined) throw new SendenseError('usage', `--${said} is for backups`);
  const document: Record<string, unknown> = values.job === undefined ? {} : await readDocument(values.job);
  for (const flag of fields) if (values[flag] !== undefined) document[flag.replaceAll('-', '_')] = values[flag];
  if (values.disk)
    document['source'] = specOfDisks(
      values.disk.map((path) => ({ path })),
      process.cwd(),
    );
  if (!values.checked) await validate(jobKind(kind).schema, document);
  return {
    show: null,
    kind,
    request: document,
    jobFolder: resolve(values['job-dir']),
    isFolderNew: values.checked !== true,
    socketFolder: values['socket-dir'] === undefined ? null : resolve(values['socket-dir']),
    addresses: addressesIn(values['target-addresses']),
    own: (values['not-a-disk'] ?? []).map((path) => resolve(path)),
    endsWithCaller: values['ends-with-caller'] === true,
  };
}

function kindIn(word = 'backup'): JobKindName {
  const found = jobKindNames.find((name) => name === word);
  if (found) return found;
  throw new SendenseError('usage', `--kind ${JSON.stringify(word)} is none of ${jobKindNames.join(', ')}`);
}

function addressesIn(word = '1'): number {
  const count = /^[0-9]{1,2}$/.test(word) ? Number(word) : 0;
  if (count < 1 || count > mostAddresses)
    throw new SendenseError(
      'usage',
      `--target-addresses ${JSON.stringify(word)} is not a number from 1 to ${mostAddresses}`,
    );
  return count;
}

function parse(argv: readonly string[]): { values: ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'] } {
  try {
    return parseArgs({ args: [...argv], options: flags, strict: true, allowPositionals: false });
  } catch (error) {
    throw new SendenseError('usage', (error as Error).message, { cause: error });
  }
}

async function readDocument(file: string): Promise<Record<string, unknown>> {
  const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  try {
    const document: unknown = parseJson(content);
    if (typeof document === 'object' && document !== null && !Array.isArray(document))
      return document as Record<string, unknown>;
  } catch {
    // The parser's message quotes the document, which may hold a password.
  }
  throw new SendenseError(
    'request.invalid',
    `the job document ${file === '-' ? 'on standard input' : file} is not a JSON object`,
  );
}

async function validate(schema: string, document: unknown): Promise<void> {
  const { describeErrors, validatorOf } = await import('../schemas/validator.ts');
  const check = validatorOf(schema);
  if (!check(document))
    throw new SendenseError('request.invalid', `the job document is invalid: ${describeErrors(check.errors)}`);
}
