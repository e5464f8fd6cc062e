/**
 * Every rule that `validate` knows: stable id, what it finds, and the way out where a diagnostic has no better one.
 * `docs/checks.md` is made from this table and the corpus in `test/plan/corpus`; tests prove that they agree.
 */
export interface Rule {
  readonly title: string;
  readonly remedy: string;
}

const rule = (title: string, remedy: string): Rule => ({ title, remedy });

export const rules = {
  'file/unreadable': rule('A file or folder cannot be read', 'Check the path and its permissions.'),
  'file/no-plans': rule('A folder holds no plan', 'Name a folder that has *.yaml or *.yml files in it, or below it.'),

  'yaml/encoding': rule('The file is not UTF-8 text', 'Save it as UTF-8.'),
  'yaml/too-large': rule(
    'The file is larger than 1 MiB, or holds more words and signs than a plan can have',
    'A plan is a few kilobytes; check that this is the right file.',
  ),
  'yaml/empty': rule('The file holds nothing', 'Write a plan; `plans/` has examples.'),
  'yaml/syntax': rule(
    'The file is not YAML',
    'Correct the spot that is underlined; what comes after it could not be checked.',
  ),
  'yaml/tab': rule('A line is indented with a tab', 'Indent with spaces; YAML does not allow tabs there.'),
  'yaml/duplicate-key': rule('A key stands twice in one mapping', 'Keep one of the two.'),
  'yaml/merge-conflict': rule(
    'Merge conflict markers were left in the file',
    'Decide for one of the two sides and remove the lines <<<<<<<, ======= and >>>>>>>.',
  ),
  'yaml/several-documents': rule('The file holds several documents', 'Put each plan into a file of its own.'),
  'yaml/unknown-tag': rule(
    'A tag is not part of YAML 1.2 core',
    'Leave the tag out; quote the value if it begins with !.',
  ),
  'yaml/unknown-anchor': rule(
    'An alias has no anchor before it',
    'Write the anchor (&name) earlier in the file, or quote the value.',
  ),
  'yaml/alias-cycle': rule('An alias stands inside the value that it names', 'Write the inner part out.'),
  'yaml/alias-bomb': rule(
    'Aliases multiply to an enormous document',
    'Write the values out, or refer to fewer aliases of aliases.',
  ),
  'yaml/merge-key': rule('<< does not name a mapping', 'Give << an alias of a mapping, or a list of such aliases.'),

  'schema/unknown-key': rule(
    'A key is not known here',
    'Correct the key, or begin it with x- if it is for your own use.',
  ),
  'schema/required': rule('A key is missing', 'Add the key.'),
  'schema/type': rule('A value has the wrong type', 'Write a value of the type that is wanted.'),
  'schema/enum': rule('A value is none of the allowed ones', 'Write one of the allowed values.'),
  'schema/pattern': rule('A text does not have the wanted form', 'Write it in the form that is wanted.'),
  'schema/range': rule('A number or a count is too small or too large', 'Stay within the limits.'),
  'schema/unique': rule('A list holds an entry twice', 'Remove one of the two.'),
  'schema/home-path': rule(
    'A path begins with ~, which only a shell expands',
    'Write the absolute path. Where a file is really called so, write ./ before it.',
  ),

  'secret/plain': rule(
    'A secret stands in the file as plain text',
    'Refer to it instead: { secret: { file: PATH } }, or env, systemd or command. Consider this secret known: change it.',
  ),
  'secret/exposed': rule(
    'Others can read the file of a secret (a warning: the file is valid)',
    'Let only its owner read it: chmod 600. Consider this secret known: change it.',
  ),
  'secret/reference': rule(
    'A reference to a secret is not complete',
    'Write { secret: { … } } with exactly one of file, env, systemd or command.',
  ),

  'schedule/cron': rule(
    'A cron expression is wrong',
    'Write five fields: minute hour day-of-month month day-of-week, for example "30 1 * * *".',
  ),
  'schedule/never': rule('A cron expression names a day that never comes', 'Choose a date that exists.'),
  'schedule/blackout': rule(
    'A blackout has no sound begin and end',
    'Write { from: "08:00", to: "18:00", days: [mon] } for every week, or { start: 2026-12-24T18:00, end: 2026-12-27T06:00 } for once.',
  ),
  'schedule/timezone': rule('A time zone is not known', 'Write an IANA name, for example Europe/London or UTC.'),
  'schedule/rpo': rule(
    'A plan cannot keep its rpo (a warning: the plan is valid)',
    'Let it run more often, or write an rpo that is longer than the time between two slots and the length of a run.',
  ),
  'schedule/never-runs': rule(
    'Blackouts cover every slot of a schedule (a warning: the plan is valid)',
    'Move the slots out of the blackouts, or make those shorter.',
  ),
  'plan/same-name': rule(
    'Two plans have the same name',
    'Give one of the two another name; status, history and notices go by the names of plans.',
  ),
  'plan/same-vm': rule(
    'Two plans back up different disks under one name of a VM',
    'Give one of the two VMs another vm.name, or let it go to another repository.',
  ),
  'schedule/duplicate': rule(
    'Two plans with a schedule have the same name',
    'Give one of the two plans another name; the daemon goes by the names, and keeps the one in force that it knew first.',
  ),
  'retention/keeps-nothing': rule(
    'A retention keeps nothing',
    'Write how many points stay, for example { daily: 7, weekly: 5, monthly: 12 }; without `retention` all stay.',
  ),
  'duration/range': rule('A duration is zero or too long', 'Choose a duration from 1ms to 24d.'),
  'disks/duplicate': rule('A disk is listed twice', 'Remove one of the two.'),
  'restore/point-time': rule(
    'A time is not complete',
    'Write date, time and zone, for example 2026-11-20T00:00:00Z or 2026-11-20T01:00:00+01:00.',
  ),
  'restore/subformat': rule('subformat is only for vmdk', 'Leave subformat out, or set format: vmdk.'),
  'restore/thin': rule('thin is only for qcow2', 'Leave thin out, or set format: qcow2.'),

  'step/unknown-uses': rule('A step is not known', 'Use one of the built-in steps, or run: for a command of your own.'),
  'step/uses-or-run': rule('A step needs either uses or run', 'Give the step one of the two.'),
  'step/misplaced-key': rule(
    'A key of a step does not go with the others',
    'with belongs to uses; env and cwd belong to run.',
  ),
  'step/duplicate-id': rule('Two steps have the same id', 'Give each step an id of its own.'),
  'step/missing-input': rule('A step lacks an input', 'Add the input below with:.'),
  'step/unknown-input': rule('A step has no such input', 'Correct the name of the input.'),
  'step/shell-expression': rule(
    'An expression stands inside a shell script',
    'Pass the value as an environment variable (env:) and use "$NAME" in the script; pasted text would be run by the shell.',
  ),

  'expression/syntax': rule(
    'An expression cannot be understood',
    'See docs/expressions.md for what an expression may hold.',
  ),
  'expression/unknown-function': rule(
    'An expression calls a function that does not exist',
    'Use one of the known functions.',
  ),
  'expression/type': rule(
    'A part of an expression has the wrong type',
    'Compare with ==, != or < to get true or false.',
  ),
  'expression/not-here': rule(
    'An expression stands where none is evaluated',
    'Expressions work in steps, before, after and result. Write the value itself here.',
  ),
  'ref/unknown-root': rule(
    'A reference begins with an unknown name',
    'Begin with plan, run or steps; put text in single quotes.',
  ),
  'ref/unknown-key': rule('A reference names a key that does not exist', 'Correct the key.'),
  'ref/unknown-step': rule('A reference names a step that does not exist', 'Correct the id of the step.'),
  'ref/later-step': rule('A reference names a step that runs later', 'Move that step before this one.'),
  'ref/may-not-run': rule(
    'A step that runs after a failure refers to a step that may not have run',
    "Say what to use where it did not: default(steps.commit.backup_id, '').",
  ),
  'ref/cycle': rule(
    'Steps need each other, or a step needs itself',
    'Break the circle: a step can only use what earlier steps gave.',
  ),
  'ref/unknown-output': rule(
    'A reference names an output that the step does not have',
    'Correct the name of the output.',
  ),
  'ref/type': rule('A reference gives a value of the wrong type', 'Refer to a value of the type that is wanted.'),
  'ref/plan-only': rule(
    'A value must be known before the run starts',
    'Refer to plan only, or write the value itself.',
  ),

  'settings/untrusted': rule(
    "Settings that were found could be somebody else's",
    'Give file and folders to yourself or root, let nobody else write to them, or name the file with --config.',
  ),
  'settings/ports': rule('The port range ends before it begins', 'Give from the smaller number.'),
  'settings/compress-encrypted': rule(
    'Disks cannot be both compressed and encrypted',
    'Leave one of the two out: qemu-img writes no image that is both. A file system under the repository can encrypt what is compressed.',
  ),
  'settings/clear-key': rule(
    'A key is sent over a connection that is not encrypted',
    'Use the mode dial-node or dial-hub, in which SSH carries the key, and keep `data:`; or write tls: none for a network that you trust.',
  ),
  'settings/vsphere-login': rule(
    'A vSphere source needs one way to log in',
    'Give user and password: { secret: … }, or credential: NAME of a stored one (`sendense-run credentials add`).',
  ),
  'settings/vsphere-trust': rule(
    'A vSphere source has two ways to know the server',
    'Keep thumbprint or ca, not both.',
  ),
  'settings/vsphere-host': rule(
    'The address of a vSphere source cannot be',
    'Write HOST or HOST:PORT; an IPv6 address stands in brackets.',
  ),
  'settings/vsphere-transport': rule(
    'A transport is not configured',
    'Add the section that it needs to the source in sendense.yaml, or leave it out.',
  ),
  'settings/unknown-repository': rule(
    'The settings have no such repository',
    'Correct the name, or add the repository to sendense.yaml.',
  ),
  'settings/unknown-node': rule(
    'The settings have no such node',
    'Correct the name, add the node to sendense.yaml, or enrol it with `sendense-run node add`.',
  ),
  'settings/unknown-source': rule(
    'The settings have no such source',
    'Correct the name, or add the source to sendense.yaml.',
  ),
  'settings/unknown-channel': rule(
    'The settings have no such channel',
    'Correct the name, or add the channel to notify.channels in sendense.yaml.',
  ),
  'settings/clear-password': rule(
    'The password of a mail server could be sent without encryption',
    'Leave tls at required, or leave user and password out.',
  ),
  'settings/clear-secret': rule(
    'A secret of a channel is sent over a connection that is not encrypted',
    'Write https://, or plainHttp: true for a network that you trust.',
  ),
  'settings/no-default': rule(
    'Channels without a default (a warning: the settings are valid)',
    'Say who is told of every plan, for example default: [{ channel: operators }]; `default: []` if nobody is.',
  ),
  'settings/unknown-vm': rule(
    'The source does not have the VM',
    'Correct the name, or add the VM to the source in sendense.yaml.',
  ),
  'settings/vsphere-only': rule(
    'A key means something for a vSphere source only',
    'Leave the key out, or name a source of type vsphere.',
  ),
  'settings/vm-identity': rule('Two keys say which VM it is', 'Keep path or moref, not both.'),
  'settings/no-source': rule(
    'The plan does not say where the disks are',
    'Add vm.source to the plan, or exactly one source to sendense.yaml.',
  ),
  'settings/relative-path': rule(
    'A relative path cannot be found by a node on another host',
    'Write the absolute path as it is on the node.',
  ),
} as const satisfies Record<string, Rule>;

export type RuleId = keyof typeof rules;
