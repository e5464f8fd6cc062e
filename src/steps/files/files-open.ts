import { SendenseError } from '../../errors/sendense-error.ts';
import { unlockVolumes } from '../../files/client/unlock-volumes.ts';
import type { FilesOpenInput, FilesOpenOutput } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';
import { readPassphrase } from './read-passphrase.ts';

export const filesOpen = defineStep<FilesOpenInput, null, FilesOpenOutput>({
  uses: 'files.open',
  title: 'Open the file systems',
  claim: () => null,

  async plan({ services }, { backup_id: id }) {
    services.checkFiles();
    return {
      effects: [],
      notes: [`the file systems of restore point ${id} are opened in a sandbox`],
      output: { backup_id: id, socket: '', session: '', volumes: [] },
    };
  },

  async run(context, { repository, vm, backup_id: id, passphrase }) {
    const { services, scope, signal, planName, runId, log } = context;
    // Read first: without it nothing is started.
    const words = await readPassphrase(context, passphrase);
    const { client, socket } = scope.use(await services.openFiles(`plan ${planName}, run ${runId}`));
    const { name, identity } = vm as { readonly name: string; readonly identity?: string };
    const request = { vm: name, point: id, repository, ...(identity === undefined ? {} : { identity }) };
    let files = await client.open(request, signal);
    if (words !== null) {
      const unlocked = await unlockVolumes(client, files, words);
      ({ files } = unlocked);
      for (const { volume, error } of unlocked.refused) log(`${volume}: ${error.message}`);
      // It is enough if it opens one of them.
      const [refused] = unlocked.refused;
      if (refused && unlocked.opened === 0)
        throw new SendenseError(refused.error.code, refused.error.message, {
          cause: refused.error,
          remedy:
            'Correct the secret that `passphrase` of the plan names. Sendense opens LUKS; it cannot open BitLocker.',
        });
    }
    const volumes = files.volumes.map(({ id: volume, type, state }) => ({ id: volume, type, state }));
    log(volumes.map((one) => `${one.id}: ${one.type ?? 'nothing known'}, ${one.state}`).join('; '));
    return { backup_id: id, socket, session: files.id, volumes };
  },
});
