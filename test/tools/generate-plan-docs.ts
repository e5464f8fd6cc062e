/** Makes `docs/plans.md` from `schemas/`. Run by `npm run docs`; a test proves that the file is current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatted } from './formatted.ts';
import {
  branchesOf,
  childOf,
  itemOf,
  propertiesOf,
  requiredOf,
  schemaNode,
  typesOf,
  type SchemaNode,
} from '../../src/plan/diagnostics/schema-node.ts';
import { orList, typeWords } from '../../src/plan/diagnostics/words.ts';

const root = join(import.meta.dirname, '../..');
export const plansFile = join(root, 'docs/plans.md');

/** One example of each key, by its name or, where a name has two meanings, by its whole path. */
const examples: Readonly<Record<string, string>> = {
  'version': '1',
  'kind': 'backup',
  'name': 'pgtest1-nightly',
  'vm.name': 'pgtest1',
  'description': 'Every night',
  'vm': '{ name: pgtest1 }',
  'source': 'lab',
  'type': 'image',
  'disks': '[{ path: disk0.raw }]',
  'path': 'disk0.raw',
  'uuid': '6f9619ff-8b86-d011-b42d-00cf4fc964ff',
  'changes': 'disk0.changed.json',
  'repository': 'primary',
  'node': 'local',
  'schedule': '{ cron: "30 1 * * *" }',
  'cron': '"30 1 * * *"',
  'timezone': 'Europe/London',
  'limits.runs': '8',
  'runsPerNode': '2',
  'runsPerRepository': '4',
  'enabled': 'false',
  'jitter': '20m',
  'overlap': 'queue',
  'catchUp': 'latest',
  'catchUpWindow': '12h',
  'pauseOnFailure': '3',
  'blackout': '[{ from: "08:00", to: "18:00" }]',
  'blackout[].from': '"08:00"',
  'blackout[].to': '"18:00"',
  'blackout[].days': '[mon, fri]',
  'blackout[].start': '2026-12-24T18:00',
  'blackout[].end': '2026-12-27T06:00',
  'blackout[].reason': 'holidays',
  'timeout': '24h',
  'stallTimeout': '10m',
  'before': '[{ run: [/usr/local/bin/freeze] }]',
  'after': '[{ run: [/usr/local/bin/thaw], if: always() }]',
  'id': 'freeze',
  'run': '[/usr/local/bin/freeze, --all]',
  'env': '{ LEVEL: 3, TOKEN: { secret: { file: /run/token } } }',
  'cwd': './scripts',
  'if': 'failure() \\|\\| cancelled()',
  'steps': '[{ uses: hub.preflight, with: { repository: primary } }]',
  'uses': 'hub.preflight',
  'with': '{ repository: primary }',
  'retry': '{ attempts: 3, delay: 1s, maxDelay: 30s }',
  'delay': '1s',
  'maxDelay': '30s',
  'result': '{ backup_id: "${{ steps.commit.backup_id }}" }',
  'point': '{ before: 2026-11-20T00:00:00Z }',
  'point.before': '2026-11-20T00:00:00Z',
  'point.from': '2026-11-19T00:00:00Z',
  'point.at': '2026-11-19T18:00:00+01:00',
  'restore.name': 'pgtest1-restore',
  'incremental.name': 'pgtest1-incremental',
  'to': '{ directory: ./restored, format: qcow2 }',
  'directory': './restored',
  'restore.disks': '[0, 2]',
  'state': './state/sendense.db',
  'repositories': '{ primary: { path: ./repository } }',
  'repositories.<name>.path': './repository',
  'minFree': '50GiB',
  'compress': 'zstd',
  'encryption': '{ key: { secret: { file: /etc/sendense/primary.key } } }',
  'encryption.key': '{ secret: { file: /etc/sendense/primary.key } }',
  'keys': '[{ secret: { file: /etc/sendense/primary-2026.key } }]',
  'quota': '2TiB',
  'vmQuota': '500GiB',
  'warnAt': '80%',
  'immutable': 'try',
  'immutableFor': '30d',
  'rereadWithin': '2w',
  'nodes': '{ esx1: { mode: direct, url: "http://127.0.0.1:8081", token: { secret: { file: /run/token } } } }',
  'nodes.<name>.mode': 'direct',
  'nodes.<name>.host': 'sna1.example.com',
  'nodes.<name>.port': '22',
  'nodes.<name>.user': 'sendense',
  'nodes.<name>.hostKey': 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE…',
  'nodes.<name>.key': '{ secret: { file: /etc/sendense/id_ed25519 } }',
  'nodes.<name>.api': '127.0.0.1:8081',
  'url': 'http://127.0.0.1:8081',
  'token': '{ secret: { systemd: node-token } }',
  'file': '/etc/sendense/token',
  'systemd': 'node-token',
  'secret.env': 'NODE_TOKEN',
  'secret': '{ file: /etc/sendense/token }',
  'command': '[pass, show, node-token]',
  'sources': '{ lab: { type: image, vms: { pgtest1: { disks: [{ path: /images/disk0.raw }] } } } }',
  'vms': '{ pgtest1: { disks: [{ path: /images/disk0.raw }] } }',
  'ports': '{ from: 10100, to: 10200 }',
  'hub': '{ listen: "0.0.0.0:443" }',
  'hub.listen': '0.0.0.0:443',
  'hub.data': 'builtin',
  'hub.hostKey': '/etc/sendense/hub_host_key',
  'hub.user': 'sendense',
  'hub.authorizedKeys': '/var/lib/sendense/authorized_keys',
  'metrics': '{ textfile: /var/lib/node_exporter/sendense.prom }',
  'metrics.textfile': '/var/lib/node_exporter/sendense.prom',
  'history': '{ keepRuns: 1y, keepLogs: 60d }',
  'keepRuns': '1y',
  'keepLogs': '60d',
  'maxLogBytes': '5GiB',
  'stateCopies': '14',
  'hub.api': '127.0.0.1:8082',
  'hub.apiToken': '/etc/sendense/hub-api.token',
  'hub.nodePorts': '{ from: 9081, to: 9180 }',
  'nodePorts.to': '9180',
  'wait': '5m',
  'ports.to': '10200',
  'vm.path': '/DC1/vm/pgtest1',
  'moref': 'vm-57',
  'credential': 'production',
  'limits': '{ diskRate: 50MiB, jobRate: 100MiB }',
  'transfer': '{ reconnect: 5m }',
  'reconnect': '5m',
  'data': '{ listen: 192.0.2.10, host: hub.example.com, tls: psk }',
  'data.listen': '192.0.2.10',
  'data.host': 'hub.example.com',
  'tls': 'psk',
  'diskRate': '50MiB',
  'jobRate': '100MiB',
  'disksAtOnce': '4',
  'disksPerHost': '8',
  'sources.<name>.host': 'vcenter.example.com',
  'sources.<name>.user': 'backup@vsphere.local',
  'sources.<name>.password': '{ secret: { file: ./vcenter.password } }',
  'password.secret': '{ file: ./vcenter.password }',
  'thumbprint': '"2C:11:ED:…"',
  'ca': './vcenter-ca.pem',
  'transports': '[vddk, https]',
  'vddk': '{ libdir: /opt/vmware-vix-disklib-distrib }',
  'libdir': '/opt/vmware-vix-disklib-distrib',
  'plugin': '/opt/nbdkit/nbdkit-vddk-plugin.so',
  'modes': 'file:nbdssl:nbd',
  'ssh': '{ identity: /etc/sendense/id_ed25519, knownHosts: /etc/sendense/known_hosts }',
  'ssh.host': 'esx1.example.com',
  'ssh.port': '22',
  'ssh.user': 'root',
  'identity': '/etc/sendense/id_ed25519',
  'vm.identity': '502e2b61-8d2f-4c4f-a2f7-6f9c4f5a9d11',
  'prune.identity': '502e2b61-8d2f-4c4f-a2f7-6f9c4f5a9d11',
  'knownHosts': '/etc/sendense/known_hosts',
  'sources.<name>.limits': '{ disksPerHost: 4 }',
  'retention': '{ daily: 7, weekly: 5, monthly: 12 }',
  'last': '3',
  'hourly': '24',
  'daily': '7',
  'weekly': '5',
  'monthly': '12',
  'yearly': '3',
  'minAge': '3d',
  'prune.vms': '[pgtest*]',
  'prune.name': 'sunday-prune',
  'group.name': 'production',
  'group.source': 'production-vcenter',
  'group.vm': '{ quiesce: required }',
  'members': '[{ folder: /DC1/vm/Production }, { name: "db*" }]',
  'members[].name': '"web*"',
  'members[].folder': '/DC1/vm/Production',
  'members[].path': '/DC1/vm/pgtest1',
  'members[].tag': 'backup/gold',
  'exclude[].name': '"*-test"',
  'folder': '/DC1/vm/Production',
  'tag': 'gold',
  'match.name': '"db*"',
  'exclude': '[{ name: "*-test" }]',
  'atOnce': '3',
  'lockWait': '1h',
  'overrides': '[{ match: { name: "db*" }, priority: 10 }]',
  'match': '{ name: "db*" }',
  'priority': '10',
  'notify': '[{ channel: operators, on: [failure, recovery] }]',
  'settings.notify': '{ channels: { operators: { type: journal } }, default: [{ channel: operators }] }',
  'notify.channels': '[{ channel: operators }]',
  'settings.notify.channels': '{ operators: { type: journal } }',
  'notify.default': '[{ channel: operators }]',
  'channel': 'operators',
  'on': '[failure, recovery]',
  'rpo': '26h',
  'inherit': 'false',
  'address': 'udp://syslog.example.com:514',
  'notify.channels.<name>.host': 'smtp.example.com',
  'notify.channels.<name>.from': 'sendense@example.com',
  'notify.channels.<name>.to': '[operators@example.com]',
  'notify.channels.<name>.user': 'sendense',
  'notify.channels.<name>.password': '{ secret: { file: /etc/sendense/smtp.password } }',
  'notify.channels.<name>.tls': 'required',
  'notify.channels.<name>.ca': '/etc/sendense/ca.pem',
  'notify.channels.<name>.timeout': '30s',
  'fold': '5m',
  'notify.channels.<name>.url': '{ secret: { file: /etc/sendense/slack.url } }',
  'headers': '{ Authorization: { secret: { file: /etc/sendense/ntfy.header } } }',
  'headers.<name>': '{ secret: { file: /etc/sendense/ntfy.header } }',
  'sign': '{ secret: { file: /etc/sendense/webhook.key } }',
  'verify.name': 'sunday-verify',
  'verify.vms': '[pgtest*]',
  'verify.point': '20261121T013000Z-4f2a91',
  'verify.points': '{ share: 10% }',
  'level': 'digests',
  'share': '10%',
  'notVerifiedFor': '30d',
  'rate': '100MiB',
  'boot': '{ serial: { mark: "login:" } }',
  'accel': 'auto',
  'memory': '2GiB',
  'cpus': '2',
  'firmware': 'efi',
  'serial': '{ mark: "login:" }',
  'mark': '"login:"',
  'agent': 'true',
  'picture': '{ still: 30s }',
  'still': '30s',
  'boot.timeout': '15m',
  'notify.channels.<name>.run': '[/usr/local/bin/page, --team, storage]',
};

interface Row {
  readonly path: string;
  readonly node: SchemaNode;
  readonly required: boolean;
}

/** Parts that stand in several places and are explained once. */
const explainedElsewhere = new Set(['before', 'after', 'steps']);

function rowsOf(at: SchemaNode, prefix: string): Row[] {
  const rows: Row[] = [];
  const { schema } = at;
  for (const branch of branchesOf(at)) rows.push(...rowsOf(branch, prefix));
  for (const key of Object.keys(propertiesOf(at))) {
    const node = childOf(at, key);
    if (!node) continue;
    const path = prefix === '' ? key : `${prefix}.${key}`;
    rows.push({
      path,
      node: { ...node, schema: { ...node.schema, ...(propertiesOf(at)[key] as object), $ref: undefined } },
      required: requiredOf(at).includes(key),
    });
    if (explainedElsewhere.has(path)) continue;
    rows.push(...below(node, path));
  }
  if (typeof schema['additionalProperties'] === 'object') {
    const child = childOf(at, 'x');
    if (child) rows.push(...rowsOf(child, `${prefix}.<name>`));
  }
  return joined(rows);
}

/** A key that stands in several branches once, with the values of all of them: `mode: embedded` and `mode: direct`. */
function joined(rows: readonly Row[]): Row[] {
  const byPath = Map.groupBy(rows, (row) => row.path);
  return [...byPath.values()].map((same) => {
    const first = same[0] as Row;
    const constants = same.map((row) => row.node.schema['const']).filter((value) => value !== undefined);
    return constants.length < 2 ? first : { ...first, node: { schema: { enum: constants }, file: '' } };
  });
}

const below = (node: SchemaNode, path: string): Row[] =>
  typesOf(node)?.includes('array') && node.schema['items'] ? rowsOf(itemOf(node), `${path}[]`) : rowsOf(node, path);

function table(rows: readonly Row[], page: string): string {
  const lines = rows.map(({ path, node, required }) => {
    const fallback = node.schema['default'];
    const standard = required
      ? '**required**'
      : fallback === undefined
        ? ''
        : `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
    return `| \`${path}\` | ${valueWords(node)} | ${standard} | ${exampleOf(path, node, page)} | ${String(node.schema['description'] ?? '').replaceAll('<', '\\<')} |`;
  });
  return ['| key | value | default | example | |', '| --- | --- | --- | --- | --- |', ...lines].join('\n');
}

function valueWords(node: SchemaNode): string {
  const { schema } = node;
  if ('const' in schema) return `\`${String(schema['const'])}\``;
  if (Array.isArray(schema['enum'])) return orList(schema['enum'].map((value) => `\`${String(value)}\``));
  const [least, most] = [schema['minimum'], schema['maximum']];
  const range = typeof least === 'number' && least > 0 && typeof most === 'number' ? `, ${least} to ${most}` : '';
  if (typeof schema['description'] === 'string' && /^(A duration|How long)/.test(schema['description']))
    return 'a duration';
  return typeWords(typesOf(node) ?? []) + range;
}

function exampleOf(path: string, node: SchemaNode, page: string): string {
  const name = path.split('.').at(-1) ?? path;
  const written =
    examples[`${page}.${path}`] ?? examples[path] ?? examples[path.split('.').slice(-2).join('.')] ?? examples[name];
  const { schema } = node;
  const choice =
    'const' in schema
      ? schema['const']
      : Array.isArray(schema['enum'])
        ? (schema['enum'] as unknown[]).at(-1)
        : undefined;
  const simple = typesOf(node)?.includes('boolean')
    ? !(schema['default'] ?? false)
    : typesOf(node)?.join() === 'integer'
      ? schema['default']
      : undefined;
  const value = choice ?? written ?? simple;
  if (value === undefined) throw new Error(`docs/plans.md needs an example of ${path}`);
  return `\`${name.replace('[]', '')}: ${String(value)}\``;
}

const settingsRows = rowsOf(schemaNode('settings.json'), '');

/** What stands below `sources.<name>`, type by type. */
const sourceTypes = branchesOf(schemaNode('settings.json#/properties/sources/additionalProperties'));

function sourceSection(source: SchemaNode): string {
  const type = String(childOf(source, 'type')?.schema['const']);
  const rows = rowsOf(source, 'sources.<name>');
  return `### Sources of type \`${type}\`\n\n${String(source.schema['description'])}\n\n${table(rows, 'settings')}`;
}

/** What stands below `notify.channels.<name>`, type by type. */
const channelTypes = branchesOf(
  schemaNode('settings.json#/properties/notify/properties/channels/additionalProperties'),
);

function channelSection(channel: SchemaNode): string {
  const type = String(childOf(channel, 'type')?.schema['const']);
  const rows = rowsOf(channel, 'notify.channels.<name>').filter(({ path }) => !path.includes('.secret'));
  return `### Channels of type \`${type}\`\n\n${String(channel.schema['description'])}\n\n${table(rows, 'settings')}`;
}

const file = (name: string): string => readFileSync(join(root, name), 'utf8').trim();
const yaml = (text: string): string => `\`\`\`yaml\n${text}\n\`\`\``;

export async function generatePlanDocs(): Promise<string> {
  const kind = (name: string, example: string): string =>
    `## Kind \`${name}\`\n\n${String(schemaNode(`plans/${name}.json`).schema['description'])}\n\n${yaml(file(example))}\n\n${table(rowsOf(schemaNode(`plans/${name}.json`), ''), name)}`;
  const page = `# Plans and settings

<!-- Made from schemas/ by test/tools/generate-plan-docs.ts; do not edit. -->

A plan is one YAML file (YAML 1.2, UTF-8, at most 1 MiB). Its \`kind\` decides which keys it may have. \`name\`, \`kind\`, \`vm\` and
\`repository\` are enough for a backup; everything else has a default.

* Relative paths count from the file that they stand in. A path that begins with \`~\` is refused: only a shell expands it.
* Anchors, aliases and merge keys (\`<<\`) work. Keys that begin with \`x-\` are yours; any other unknown key is an error.
* A duration is a number and a unit: \`500ms\`, \`90s\`, \`10m\`, \`24h\`, \`2d\`; at most 24 days.
* A secret is never written into a plan or the settings. It is a reference: \`{ secret: { file: PATH } }\`, or \`env\`, \`systemd\` (a
  credential of LoadCredential=), or \`command\` (an argument list whose output is the secret).
* Expressions (\`\${{ … }}\`) work in \`steps\`, \`before\`, \`after\` and \`result\`, and nowhere else: see [expressions.md](expressions.md).
* \`sendense-run validate\` says what is wrong, all at once: see [checks.md](checks.md).

${kind('backup', 'plans/pgtest1-nightly.yaml')}

${kind('incremental', 'plans/pgtest1-incremental.yaml')}

${kind('restore', 'plans/pgtest1-restore.yaml')}

${kind('group', 'examples/vsphere/production.yaml')}

How members are found and named, and what a failing VM means: [groups.md](groups.md).

## Commands: \`before\` and \`after\`

Commands of your own run before the first and after the last step, on the hub, in the folder of the plan. There is no shell: a
command is a list of arguments. Pass values in the environment rather than pasting them into a script. Their ids are \`before-1\`,
\`before-2\`, … and \`after-1\`, … unless they have an \`id\`. After a failure only those run whose \`if\` asks for it.

${yaml(commandsExample)}

${table(rowsOf(schemaNode('common.json#/$defs/command'), ''), 'command')}

## Steps of your own: \`steps\`

A plan may bring its own pipeline instead of the runner's (\`runners/<kind>.yaml\`, the best place to copy from). A step has either
\`uses\`, a built-in step with its inputs in \`with\`, or \`run\`, a command. Its id is \`step-1\`, \`step-2\`, … unless it has one.
Without \`retry\` a step is tried once; with it, after errors that may pass, \`attempts\` times in all, waiting \`delay\` (1s) and twice
as long each time, up to \`maxDelay\` (30s). Without a \`result\` of the plan's own the run reports the runner's, as far as the steps
that it refers to are there.

${yaml(stepsExample)}

${table(rowsOf(schemaNode('common.json#/$defs/step'), ''), 'step')}

## Where an error points

A step that fails points at a line of the plan: a step or command of the plan at its own line, one of the runner at the first key
that its inputs refer to and that is written in the plan (\`repository:\`, \`vm:\`), else at \`kind:\`. An error of the node points at
\`node:\`, where that is written.

## Settings: \`sendense.yaml\`

What the hub knows. The file that \`--config\` names; else \`sendense.yaml\` in the folder of the plan, in a folder above it, or in
\`/etc/sendense/\`. A plan that names no node uses \`local\`, which is embedded and need not be in the settings. A plan that names no
source uses the only one there is.

Settings decide which commands are run and where secrets go. Settings that were found, not named, count only if nobody but you and root could
have written them: the file, the links and the folders on the way belong to you or root, and nobody else can write to them. A sticky
folder such as \`/tmp\` may be above the folder of the file. A group may write if you and root are its only members. Under sudo the
user who called it counts too. Sendense does not read other settings; the error \`settings.untrusted\` names the file, its owner and the
way out. A file that you name with \`--config\` counts in any case, with a warning. \`node.yaml\` in \`/etc/sendense/\` and the plans in
the daemon's folder follow the same rule: the daemon keeps the last text of a plan that it could trust.

${yaml(settingsExample)}

${table(
  settingsRows.filter(({ path }) => !/^(sources|notify\.channels)\./.test(path)),
  'settings',
)}

A source is of one type, which decides which keys it may have.

${sourceTypes.map(sourceSection).join('\n\n')}

So is a channel of notices; [monitoring.md](monitoring.md) says what each is told of.

${channelTypes.map(channelSection).join('\n\n')}
`;
  return formatted(plansFile, page);
}

const commandsExample = `kind: backup
name: pgtest1-nightly
vm: { name: pgtest1 }
repository: primary
before:
  - id: freeze
    run: [/usr/local/bin/freeze, pgtest1]
    timeout: 1m
after:
  - run: [/usr/local/bin/thaw, pgtest1]
    if: always()
  - run: [sh, -c, 'logger "saved as $BACKUP_ID"']
    env: { BACKUP_ID: "\${{ steps.commit.backup_id }}" }`;

const stepsExample = `kind: backup
name: look-only
vm: { name: pgtest1 }
repository: primary
steps:
  - id: inspect
    uses: node.inspect
    with: { node: "\${{ plan.node }}", vm: "\${{ plan.vm }}" }
    timeout: 10m
    retry: { attempts: 3, delay: 1s, maxDelay: 10s }
  - run: [logger, "node \${{ steps.inspect.node }} answers"]`;

const settingsExample = `# sendense.yaml
version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository }
nodes:
  local: { mode: embedded }
  esx1: { mode: direct, url: "http://127.0.0.1:8081", token: { secret: { file: /etc/sendense/esx1.token } } }
sources:
  lab:
    type: image
    vms:
      pgtest1: { disks: [{ path: /images/disk0.raw }, { path: /images/disk1.qcow2 }] }
ports: { from: 10100, to: 10200 }`;

if (import.meta.main) {
  writeFileSync(plansFile, await generatePlanDocs());
  console.log('wrote docs/plans.md');
}
