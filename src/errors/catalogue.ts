/**
 * Every error a user can meet: stable code, exit status, whether trying again can help, and the way out.
 * `docs/errors.md` is made from this table and a test proves that they agree.
 */
export interface CatalogueEntry {
  /** Process exit status, see `docs/exit-codes.md`. */
  readonly exit: ExitCode;
  /** `temporary`: the same call may succeed later; the engine retries it where the step asks for retries. */
  readonly retry: 'never' | 'temporary';
  readonly title: string;
  readonly remedy: string;
}

/** 0 done, 1 step failed and cleaned up, 2 usage, 3 warnings, 10 invalid, 11 locked, 12 refused, 14 timeout, 16 not cleaned up, 70 internal, 75 temporary. */
export type ExitCode = 0 | 1 | 2 | 3 | 10 | 11 | 12 | 14 | 16 | 70 | 75 | 130 | 143;

const entry = (exit: ExitCode, retry: 'never' | 'temporary', title: string, remedy: string): CatalogueEntry => ({
  exit,
  retry,
  title,
  remedy,
});

export const catalogue = {
  'usage': entry(2, 'never', 'The command line is wrong', 'See --help of the command.'),
  'plan.invalid': entry(
    10,
    'never',
    'The plan is invalid',
    'Correct what the diagnostics name; `sendense-run validate PLAN` shows them again.',
  ),
  'settings.invalid': entry(
    10,
    'never',
    'The settings file is invalid',
    'Correct what the diagnostics name in sendense.yaml.',
  ),
  'settings.missing': entry(
    10,
    'never',
    'No sendense.yaml was found',
    'Create sendense.yaml beside the plan or in a folder above it, or name one with --config.',
  ),
  'secret.unreadable': entry(
    12,
    'never',
    'A secret cannot be read',
    'Make the file, variable or command that the secret names readable for this user.',
  ),
  'run.locked': entry(11, 'temporary', 'Another run works on this VM', 'Wait until that run ends, or stop it.'),
  'run.cancelled': entry(130, 'never', 'The run was cancelled', 'Run the plan again.'),
  'run.crashed': entry(
    1,
    'never',
    'The process of the run died',
    'What it left was cleaned up by the next run or by `sendense-run recover`; run the plan again.',
  ),
  'run.internal': entry(
    70,
    'never',
    'Internal error',
    'Report this with the output of `sendense-run show RUN --json`.',
  ),
  'run.unclean': entry(
    16,
    'never',
    'The run failed and something could not be cleaned up',
    'Remove the cause, then `sendense-run recover`.',
  ),
  'step.timeout': entry(
    14,
    'never',
    'A step took longer than its timeout',
    'Raise `timeout` of the step, or find out why it is slow.',
  ),
  'step.stalled': entry(
    14,
    'never',
    'No data moved for too long',
    'Look at the node and the network; raise `stallTimeout` of the step if this is normal.',
  ),
  'step.output': entry(70, 'never', 'A step returned what its schema does not allow', 'Report this.'),
  'tool.missing': entry(1, 'never', 'A program is missing', 'Install the package that the message names.'),
  'tool.version': entry(1, 'never', 'A program is too old', 'Install the version that the message names.'),
  'tool.failed': entry(1, 'never', 'A program failed', 'The message holds what the program printed.'),
  'disk.full': entry(1, 'never', 'No space is left', 'Free space where the message says, or point to another place.'),
  'file.unreadable': entry(1, 'never', 'A file cannot be read', 'Check the path and its permissions.'),
  'file.exists': entry(
    1,
    'never',
    'The target exists already',
    'Choose another directory, or move what is there; Sendense never overwrites.',
  ),
  'source.busy': entry(
    1,
    'temporary',
    'A source disk is in use by another program',
    'Stop that program, or say `allowInUse: true` for the disk if you know that it is still.',
  ),
  'source.unsupported': entry(
    1,
    'never',
    'A source disk cannot be read',
    'Use raw, qcow2, vmdk or vhdx, and name the format where it cannot be told.',
  ),
  'source.changed': entry(
    1,
    'temporary',
    'A source disk changed while it was read',
    'Stop what writes to it, or take the backup from a snapshot.',
  ),
  'source.missing': entry(1, 'never', 'The VM or one of its disks was not found', 'Check names and paths in the plan.'),
  'node.unreachable': entry(
    75,
    'temporary',
    'The node does not answer',
    'Check that sendense-node runs and that its address is right.',
  ),
  'node.refused': entry(12, 'never', 'The node refused the token', 'Use the token that the node was started with.'),
  'node.protocol': entry(
    1,
    'never',
    'The node gave an answer that is not understood',
    'Check that hub and node have the same version.',
  ),
  'node.busy': entry(75, 'temporary', 'The node has a job of this id or too many jobs', 'Try again later.'),
  'request.invalid': entry(
    1,
    'never',
    'A request to the node is invalid',
    'Correct the field that the message names; check that hub and node have the same version.',
  ),
  'node.address': entry(
    1,
    'never',
    'The node cannot listen at its address',
    'Choose another with --listen or --socket, or stop what uses it.',
  ),
  'job.unknown': entry(
    1,
    'never',
    'The node knows no such job',
    'It was removed, or belongs to another node; run the plan again.',
  ),
  'job.failed': entry(
    1,
    'never',
    'The transfer failed on the node',
    'The message names disk and cause; the log of the job says more.',
  ),
  'job.lost': entry(
    1,
    'temporary',
    'The transfer process on the node died',
    'Run the plan again; the log of the job says more.',
  ),
  'job.cancelled': entry(1, 'never', 'The transfer was cancelled on the node', 'Run the plan again.'),
  'ports.exhausted': entry(
    75,
    'temporary',
    'All NBD ports are taken',
    'Wait for other runs, raise `ports` in sendense.yaml, or set `ports.wait`.',
  ),
  'ports.taken': entry(
    75,
    'temporary',
    'Another program took a port',
    'Run again; move `ports` in sendense.yaml where this happens often.',
  ),
  'nbd.failed': entry(1, 'temporary', 'qemu-nbd did not start', 'The message holds what qemu-nbd printed.'),
  'nbd.lost': entry(
    1,
    'temporary',
    'Reading over NBD failed',
    'The message holds what the server said or did; look at its log, then run again.',
  ),
  'vsphere.unreachable': entry(
    75,
    'temporary',
    'The vCenter or ESXi host does not answer',
    'Check host, port and network from the node; look at the state of vCenter.',
  ),
  'vsphere.tls': entry(
    12,
    'never',
    'The certificate of the vCenter or ESXi host is not the expected one',
    'Compare the thumbprint in the message with the one that the server itself shows; put it into `thumbprint`, or name the authority in `ca`.',
  ),
  'vsphere.login': entry(
    12,
    'never',
    'vSphere refused user and password',
    'Check the user (with its domain) and the password; `sendense-run discover SOURCE` tries them, `sendense-run credentials test NAME` those that are stored.',
  ),
  'vsphere.permission': entry(
    12,
    'never',
    'The vSphere user lacks a privilege',
    'Give the user the role of docs/vsphere.md on the object that the message names.',
  ),
  'vsphere.protocol': entry(
    1,
    'never',
    'vSphere gave an answer that is not understood',
    'Check that host and port are those of a vCenter or ESXi host; report the message.',
  ),
  'vsphere.fault': entry(1, 'never', 'vSphere reported a fault', 'The message holds what it said and what it means.'),
  'vsphere.busy': entry(
    75,
    'temporary',
    'vSphere is busy with this VM',
    'Wait until the task that the message names is over.',
  ),
  'vsphere.settings': entry(
    10,
    'never',
    'The settings of a vSphere source do not suffice',
    'Add to the source in sendense.yaml what the message names.',
  ),
  'snapshot.foreign': entry(
    1,
    'never',
    'The VM has snapshots that are not of Sendense',
    'Remove them in vSphere, or say `foreignSnapshots: allow` in the plan.',
  ),
  'snapshot.owned': entry(
    75,
    'temporary',
    'Another backup of this VM is going on',
    'Wait until it is over; a run that was cancelled may still be removing its snapshot. If it never ends, remove the snapshot that the message names.',
  ),
  'snapshot.failed': entry(
    1,
    'temporary',
    'The snapshot could not be made',
    'The message holds what vSphere said; look at the events of the VM.',
  ),
  'snapshot.quiesce': entry(
    1,
    'never',
    'The guest could not be brought to rest for the snapshot',
    'Look at VMware Tools and VSS in the guest, or say `quiesce: try`.',
  ),
  'snapshot.left': entry(
    1,
    'temporary',
    'A snapshot of Sendense could not be removed',
    'Remove it in vSphere if the next run does not.',
  ),
  'snapshot.consolidation': entry(
    75,
    'temporary',
    'Disks of the VM need consolidation',
    'Wait until the consolidation is over, or start it in vSphere.',
  ),
  'cbt.off': entry(
    1,
    'never',
    'Changed block tracking is off',
    'Say `cbt: enable` in the plan, or switch it on in vSphere; `cbt: off` compares by digest.',
  ),
  'cbt.unsupported': entry(
    1,
    'never',
    'The VM cannot keep track of changed blocks',
    'Raise its hardware version to 7 or later, or say `cbt: off`.',
  ),
  'cbt.protocol': entry(
    1,
    'never',
    'The list of changed areas does not cover the disk',
    'Report the message; `cbt: off` or a full backup does without the list.',
  ),
  'transport.unavailable': entry(
    1,
    'never',
    'No way to read the disks is available',
    'The message says for each transport what is missing; see docs/vsphere.md.',
  ),
  'transport.unsafe': entry(
    1,
    'never',
    'A transport would read something else than the snapshot',
    'Use the transport vddk for this disk; the others cannot read disks with a parent, on vSAN or of other kinds.',
  ),
  'transport.failed': entry(
    1,
    'temporary',
    'Reading a disk failed',
    'The message holds what the transport said; see docs/vsphere.md.',
  ),
  'credential.unknown': entry(
    1,
    'never',
    'There is no such credential',
    'List them with `sendense-run credentials list`; make one with `sendense-run credentials add`.',
  ),
  'credential.exists': entry(
    1,
    'never',
    'A credential of this name exists',
    'Use `sendense-run credentials rotate` to change it.',
  ),
  'credential.used': entry(
    1,
    'never',
    'A credential is still used',
    'Name another one where the message says, or remove it all the same with --force.',
  ),
  'credential.key': entry(
    12,
    'never',
    'The key of the stored credentials cannot be used',
    'See docs/credentials.md; the message says what is wrong with the file.',
  ),
  'credential.sealed': entry(
    12,
    'never',
    'A stored credential cannot be opened',
    'The key file must be the one it was made with; make the credential anew where that is lost.',
  ),
  'chain.no-parent': entry(
    1,
    'never',
    'No restore point to build on',
    'Run a full backup, or set `onNoParent: full` in the plan.',
  ),
  'chain.damaged': entry(
    1,
    'never',
    'A restore point is damaged',
    'Run `sendense-run check`; the next run with mode auto starts a new chain.',
  ),
  'content.mismatch': entry(
    1,
    'never',
    'What was written is not what was read',
    'Check the storage; run again. Nothing was committed.',
  ),
  'point.unknown': entry(1, 'never', 'No such restore point', 'See `sendense-run list`.'),
  'point.needed': entry(1, 'never', 'Other restore points build on this one', 'Delete those first.'),
  'repository.unusable': entry(
    1,
    'never',
    'The repository cannot be used',
    'Check that the directory exists, is writable, and is the one you mean.',
  ),
  'repository.damaged': entry(1, 'never', 'The repository is damaged', 'See what `sendense-run check` names.'),
  'state.unusable': entry(
    1,
    'never',
    'The state database cannot be used',
    'Check the path and permissions; `sendense-run repo import` rebuilds a lost one.',
  ),
  'command.failed': entry(1, 'never', 'A command of the plan failed', 'The message holds what it printed.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;
