import type { PointSelectInput, PointSelectOutput } from '../../schemas/types.ts';
import { selectPoint } from '../../restore-points/choose/select-point.ts';
import { usePoint } from '../../state/points/point-uses.ts';
import { defineStep } from '../define-step.ts';

export const pointSelect = defineStep<PointSelectInput, null, PointSelectOutput>({
  uses: 'point.select',
  title: 'Find the restore point',
  claim: () => null,

  async plan({ services, signal }, input) {
    const { output, remark } = await selectPoint(services, input, signal);
    return {
      effects: output.disks.map((disk) => ({
        action: 'read',
        target: disk.file,
        detail: `${disk.disk}, ${disk.capacity_bytes} bytes`,
        argv: null,
      })),
      notes: [chosenText(output), ...(remark === null ? [] : [remark])],
      output,
    };
  },

  async run({ services, log, warn, runId, signal }, input) {
    const { output, remark } = await selectPoint(services, input, signal, (point) =>
      usePoint(services.state, runId, {
        repository: input.repository,
        context: point.vm.context,
        backupId: point.backup_id,
      }),
    );
    if (remark !== null) warn(remark);
    log(chosenText(output));
    return output;
  },
});

const chosenText = ({ backup_id: id, created, why }: PointSelectOutput): string =>
  `restore point ${id} of ${new Date(created).toISOString()}: ${why}`;
