import type {
  BackupCommitOutput,
  ChainDecideOutput,
  CommandRunOutput,
  FilesExpectOutput,
  FilesOpenOutput,
  FilesTakeOutput,
  GroupResolveOutput,
  GroupRunOutput,
  HubPreflightOutput,
  NodeInspectOutput,
  NodeTransferOutput,
  PointSelectOutput,
  PointsFilesOutput,
  PointsPruneOutput,
  PortsAllocateOutput,
  Qcow2SealOutput,
  RestoreVerifyOutput,
  RestoreWriteOutput,
} from '../../schemas/types.ts';
import { formatBytes, formatTime, plural } from '../format.ts';
import { groupCount } from '../reports/group-summary.ts';
import { sentBytes } from './sent-bytes.ts';

/** A few words on what a step found or did, from its output; none for steps that have nothing to tell. */
export function stepRemark(uses: string, output: unknown): string {
  const tell = remarks[uses];
  try {
    return tell ? tell(output) : '';
  } catch {
    return ''; // an output of another version is no reason to fail a view
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const remark =
  <T>(tell: (output: T) => string) =>
  (output: unknown): string =>
    tell(output as T);

const remarks: Readonly<Record<string, (output: unknown) => string>> = {
  'hub.preflight': remark<HubPreflightOutput>(({ free_bytes }) => `${formatBytes(free_bytes)} free`),
  'node.inspect': remark<NodeInspectOutput>(
    ({ disks }) => `${plural(disks.length, 'disk')}, ${formatBytes(sum(disks.map((disk) => disk.capacity_bytes)))}`,
  ),
  'chain.decide': remark<ChainDecideOutput>(({ disks }) =>
    (['incremental', 'full'] as const)
      .map((mode) => ({ mode, count: disks.filter((disk) => disk.mode === mode).length }))
      .filter(({ count }) => count > 0)
      .map(({ mode, count }) => (count === disks.length ? mode : `${count} ${mode}`))
      .join(', '),
  ),
  'ports.allocate': remark<PortsAllocateOutput>(({ leases }) =>
    leases.length === 0 ? 'none needed' : leases.map(({ port }) => port).join(', '),
  ),
  'node.transfer': remark<NodeTransferOutput>(({ disks }) => `${formatBytes(sum(disks.map(sentBytes)))} sent`),
  'qcow2.seal': remark<Qcow2SealOutput>(
    ({ disks }) => `${formatBytes(sum(disks.map((disk) => disk.file_bytes)))} stored`,
  ),
  'backup.commit': remark<BackupCommitOutput>(({ backup_id }) => backup_id),
  'group.resolve': remark<GroupResolveOutput>(({ members }) => plural(members.length, 'VM')),
  'group.run': remark<GroupRunOutput>(({ runs }) => groupCount(runs)),
  'point.select': remark<PointSelectOutput>(
    ({ backup_id, created, why }) => `${backup_id}, of ${formatTime(created)}: ${why}`,
  ),
  'files.open': remark<FilesOpenOutput>(
    ({ volumes }) => `${plural(volumes.filter(({ state }) => state === 'readable').length, 'file system')} opened`,
  ),
  'files.expect': remark<FilesExpectOutput>(({ checked }) => `${plural(checked, 'file')} as expected`),
  'files.take': remark<FilesTakeOutput>(({ files, bytes }) => `${plural(files, 'file')}, ${formatBytes(bytes)}`),
  'points.files': remark<PointsFilesOutput>(({ opened }) =>
    opened.length === 0 ? '' : `${opened.filter(({ ok }) => ok).length} of ${plural(opened.length, 'restore point')}`,
  ),
  'restore.write': remark<RestoreWriteOutput>(
    ({ files }) => `${formatBytes(sum(files.map((file) => file.bytes_written)))} written`,
  ),
  'restore.verify': remark<RestoreVerifyOutput>(({ verified, compared_bytes }) =>
    verified ? `${formatBytes(compared_bytes)} equal` : 'not asked for',
  ),
  'points.prune': remark<PointsPruneOutput>(({ removed, freed_bytes }) =>
    removed.length === 0
      ? 'nothing to remove'
      : `${plural(removed.length, 'restore point')} removed, ${formatBytes(Math.max(0, freed_bytes))} freed`,
  ),
  'command.run': remark<CommandRunOutput>(({ output }) => output.trim().split('\n').at(-1) ?? ''),
};
