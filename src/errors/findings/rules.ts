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
  'file/no-plans': rule('A folder holds no plan', 'Name a folder with *.yaml or *.yml files in it or below it.'),

  'yaml/encoding': rule('The file is not UTF-8 text', 'Save it as UTF-8.'),
  'yaml/too-large': rule(
    'The file is larger than 1 MiB, or has more parts than a plan can have',
    'A plan is a few kilobytes; check that this is the right file.',
  ),
  'yaml/empty': rule('The file is empty', 'Write a plan; `plans/` has examples.'),
  'yaml/syntax': rule('The file is not YAML', 'Correct the underlined text. Nothing after it was checked.'),
  'yaml/tab': rule('A line is indented with a tab', 'Indent with spaces; YAML does not allow tabs there.'),
  'yaml/duplicate-key': rule('A mapping has the same key twice', 'Keep one of the two keys.'),
  'yaml/number': rule(
    'A number has more digits than can be kept',
    'If it is a name or an id, put it into quotes. Else write a smaller number.',
  ),
  'yaml/merge-conflict': rule(
    'The file contains merge conflict markers',
    'Keep one of the two sides and remove the lines <<<<<<<, ======= and >>>>>>>.',
  ),
  'yaml/several-documents': rule('The file has several documents', 'Put each plan into its own file.'),
  'yaml/unknown-tag': rule(
    'A tag is not part of YAML 1.2 core',
    'Remove the tag. If the value begins with !, quote it.',
  ),
  'yaml/unknown-anchor': rule(
    'An alias has no anchor before it',
    'Write the anchor (&name) earlier in the file, or quote the value.',
  ),
  'yaml/alias-cycle': rule('An alias is inside the value that it names', 'Write the inner value out.'),
  'yaml/alias-bomb': rule(
    'Aliases expand to an enormous document',
    'Write the values out, or use fewer aliases of aliases.',
  ),
  'yaml/merge-key': rule('<< does not name a mapping', 'Give << an alias of a mapping, or a list of such aliases.'),

  'schema/unknown-key': rule(
    'A key is unknown here',
    'Correct the key. For a key of your own, begin its name with x-.',
  ),
  'schema/required': rule('A key is missing', 'Add the key.'),
  'schema/type': rule('A value has the wrong type', 'Write a value of the expected type.'),
  'schema/enum': rule('A value is not one of the allowed values', 'Write one of the allowed values.'),
  'schema/pattern': rule('A text has the wrong form', 'Write it in the expected form.'),
  'schema/range': rule('A number or a count is too small or too large', 'Use a value within the limits.'),
  'schema/unique': rule('A list has an entry twice', 'Remove one of the two entries.'),
  'schema/home-path': rule(
    'A path begins with ~, which only a shell expands',
    'Write the absolute path. If the name of the file really begins with ~, write ./ before it.',
  ),

  'secret/plain': rule(
    'The file contains a secret as plain text',
    'Refer to the secret instead: { secret: { file: PATH } }, or env, systemd or command. Others may know this secret: change it.',
  ),
  'secret/exposed': rule(
    'Other users can read the file of a secret (a warning: the file is valid)',
    'Let only the owner read it: chmod 600. Others may know this secret: change it.',
  ),
  'secret/reference': rule(
    'A reference to a secret is incomplete',
    'Write { secret: { … } } with exactly one of file, env, systemd or command.',
  ),

  'schedule/cron': rule(
    'A cron expression is wrong',
    'Write five fields: minute hour day-of-month month day-of-week, for example "30 1 * * *".',
  ),
  'schedule/never': rule('A cron expression names a day that never comes', 'Choose a date that exists.'),
  'schedule/blackout': rule(
    'A blackout has no valid start and end',
    'Write { from: "08:00", to: "18:00", days: [mon] } for every week, or { start: 2026-12-24T18:00, end: 2026-12-27T06:00 } for one time.',
  ),
  'schedule/timezone': rule('A time zone is unknown', 'Write an IANA name, for example Europe/London or UTC.'),
  'schedule/rpo': rule(
    'A plan cannot keep its rpo (a warning: the plan is valid)',
    'Run the plan more often, or write a longer rpo: the time between two slots plus the length of a run.',
  ),
  'schedule/never-runs': rule(
    'Blackouts cover every slot of a schedule (a warning: the plan is valid)',
    'Move the slots out of the blackouts, or shorten the blackouts.',
  ),
  'plan/same-name': rule(
    'Two plans have the same name',
    'Rename one of the two plans. Status, history and notices identify plans by name.',
  ),
  'plan/same-vm': rule(
    'Two plans back up different disks under one name of a VM',
    'Give one of the two VMs another vm.name, or back it up to another repository.',
  ),
  'schedule/duplicate': rule(
    'Two plans with a schedule have the same name',
    'Rename one of the two plans. The daemon identifies plans by name, and keeps the first one in force.',
  ),
  'retention/keeps-nothing': rule(
    'A retention keeps no restore point',
    'Write how many restore points stay, for example { daily: 7, weekly: 5, monthly: 12 }. Without `retention` all of them stay.',
  ),
  'prune/what': rule(
    'A plan of kind prune does not say what goes, or says it twice',
    'Write `retention`, the rules for what stays; or `remove`, the ids of restore points that go.',
  ),
  'duration/range': rule('A duration is zero or too long', 'Choose a duration from 1ms to 24d.'),
  'disks/duplicate': rule('A disk is listed twice', 'Remove one of the two entries.'),
  'restore/point-time': rule(
    'A time is incomplete',
    'Write date, time and zone, for example 2026-11-20T00:00:00Z or 2026-11-20T01:00:00+01:00.',
  ),
  'boot/order': rule(
    'A VM waits for one that cannot be up before it',
    'Name a VM of the plan in `after` that does not itself wait for this one.',
  ),
  'boot/twice': rule('A VM is twice in the plan', 'Remove one of the two entries.'),
  'restore/to': rule(
    'A restore does not say where to',
    'Write `to: { directory: FOLDER }`. A plan with `expect` and without `files` needs no `to`.',
  ),
  'restore/no-meaning': rule(
    'A key of a restore has no meaning beside the other keys',
    'Remove the key. `disks` and formats are for disks; `exclude` and `overwrite` are for `files`.',
  ),
  'restore/device': rule('Two disks go to one device', 'Name another device for one of the disks.'),
  'restore/ova-name': rule('An OVA file has another ending', 'Write a name that ends with .ova.'),
  'restore/network': rule(
    'It is not said where the network cards go',
    'Name the network with `network`, or leave the cards disconnected.',
  ),
  'restore/start': rule(
    'Nobody starts the VM',
    'Only libvirt starts a VM: remove `libvirt: none`, or remove `start` and run start.sh after the restore.',
  ),
  'restore/subformat': rule('subformat is only for vmdk', 'Remove subformat, or set format: vmdk.'),
  'restore/thin': rule('thin is only for qcow2', 'Remove thin, or set format: qcow2.'),

  'step/unknown-uses': rule('A step is unknown', 'Use one of the built-in steps, or write run: for your own command.'),
  'step/uses-or-run': rule('A step needs either uses or run', 'Give the step one of the two keys.'),
  'step/misplaced-key': rule(
    'A key of a step does not fit the other keys',
    'Write with: only beside uses:, and env: and cwd: only beside run:.',
  ),
  'step/duplicate-id': rule('Two steps have the same id', 'Give each step its own id.'),
  'step/missing-input': rule('A step lacks an input', 'Add the input below with:.'),
  'step/unknown-input': rule('A step has no such input', 'Correct the name of the input.'),
  'step/shell-expression': rule(
    'A shell script contains an expression',
    'Pass the value as an environment variable (env:) and use "$NAME" in the script. Otherwise the shell would run the inserted text.',
  ),

  'expression/syntax': rule(
    'An expression has a syntax error',
    'See docs/expressions.md for the syntax of expressions.',
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
    'An expression is in a place where Sendense evaluates none',
    'Expressions work in steps, before, after and result. Write the value itself here.',
  ),
  'ref/unknown-root': rule(
    'A reference begins with an unknown name',
    'Begin with plan, run or steps; put text in single quotes.',
  ),
  'ref/unknown-key': rule('A reference names a key that does not exist', 'Correct the key.'),
  'ref/unknown-step': rule('A reference names a step that does not exist', 'Correct the id of the step.'),
  'ref/later-step': rule('A reference names a step that runs later', 'Move that step before this step.'),
  'ref/may-not-run': rule(
    'A step that runs after a failure refers to a step that may not have run',
    "Give a value for the case that it did not run: default(steps.commit.backup_id, '').",
  ),
  'ref/cycle': rule(
    'Steps need each other, or a step needs itself',
    'Break the cycle: a step can use only outputs of earlier steps.',
  ),
  'ref/unknown-output': rule(
    'A reference names an output that the step does not have',
    'Correct the name of the output.',
  ),
  'ref/type': rule('A reference gives a value of the wrong type', 'Refer to a value of the expected type.'),
  'ref/plan-only': rule(
    'A value must be known before the run starts',
    'Refer only to plan, or write the value itself.',
  ),

  'settings/untrusted': rule(
    'Other users could have written the settings file',
    'Make yourself or root the owner of the file and its folders, and let nobody else write to them. Or name the file with --config.',
  ),
  'settings/ports': rule('The port range ends before it begins', 'Make `from` the smaller number.'),
  'settings/compress-encrypted': rule(
    'Disks cannot be both compressed and encrypted',
    'Remove one of the two: qemu-img cannot write an image that is both. If you need both, compress here and encrypt the file system below the repository.',
  ),
  'settings/clear-key': rule(
    'An encryption key would travel over an unencrypted connection',
    'Use the mode dial-node or dial-hub, where SSH carries the key, and keep `data:`. Or write tls: none if you trust the network.',
  ),
  'settings/no-data': rule(
    'A node on another machine has no way to the disks',
    'Add `data: { listen: ADDRESS, host: NAME }` to the node: an address of this machine, and its name as the node sees it. Or use the mode dial-node or dial-hub, where SSH carries the disks. If the node is on this machine, write 127.0.0.1 in its url.',
  ),
  'settings/vsphere-login': rule(
    'A vSphere source needs one way to log in',
    'Write user and password: { secret: … }, or credential: NAME of a stored credential (`sendense-run credentials add`).',
  ),
  'settings/vsphere-trust': rule(
    'A vSphere source has two ways to identify the server',
    'Keep either thumbprint or ca.',
  ),
  'settings/vsphere-host': rule(
    'The address of a vSphere source is invalid',
    'Write HOST or HOST:PORT; put an IPv6 address in brackets.',
  ),
  'settings/vsphere-transport': rule(
    'A transport is not configured',
    'Add the section of the transport to the source in sendense.yaml, or remove the transport.',
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
    'The password of a mail server could travel unencrypted',
    'Keep tls: required, or remove user and password.',
  ),
  'settings/clear-secret': rule(
    'A secret of a channel would travel over an unencrypted connection',
    'Write https://, or plainHttp: true if you trust the network.',
  ),
  'settings/no-default': rule(
    'There are channels but no default (a warning: the settings are valid)',
    'Name the channels that get notices of every plan, for example default: [{ channel: operators }]. Write `default: []` if none does.',
  ),
  'settings/unknown-vm': rule(
    'The source does not have the VM',
    'Correct the name, or add the VM to the source in sendense.yaml.',
  ),
  'settings/vsphere-only': rule(
    'A key works only for a vSphere source',
    'Remove the key, or name a source of type vsphere.',
  ),
  'settings/vm-identity': rule('Two keys identify the VM', 'Keep either path or moref.'),
  'settings/no-source': rule(
    'The plan does not say where the disks are',
    'Add vm.source to the plan, or exactly one source to sendense.yaml.',
  ),
  'settings/relative-path': rule(
    'A node on another host cannot find a relative path',
    'Write the absolute path as it is on the node.',
  ),
} as const satisfies Record<string, Rule>;

export type RuleId = keyof typeof rules;
