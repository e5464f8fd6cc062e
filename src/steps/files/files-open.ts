import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { FilesClient } from '../../files/client/files-client.ts';
import type { FilesOpenInput, FilesOpenOutput, FilesOutput, Secret } from '../../schemas/types.ts';
import type { StepContext } from '../../engine/step.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';

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
    const { services, scope, signal, planName, planFolder, runId } = context;
    // Read first: without it nothing is started.
    const words = passphrase ? await readPassphrase(services, passphrase as Secret, planFolder, signal) : null;
    const { client, socket } = scope.use(await services.openFiles(`plan ${planName}, run ${runId}`));
    const { name, identity } = vm as { readonly name: string; readonly identity?: string };
    const request = { vm: name, point: id, repository, ...(identity === undefined ? {} : { identity }) };
    let files = await client.open(request, signal);
    if (words !== null) files = await unlock(context, client, files, words);
    const volumes = files.volumes.map(({ id: volume, type, state }) => ({ id: volume, type, state }));
    context.log(volumes.map((one) => `${one.id}: ${one.type ?? 'nothing known'}, ${one.state}`).join('; '));
    return { backup_id: id, socket, session: files.id, volumes };
  },
});

async function readPassphrase(
  services: Services,
  reference: Secret,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const words = await services.readSecret(reference, folder, signal);
  if (words !== '') return words;
  throw new SendenseError('secret.unreadable', 'passphrase: the secret is empty');
}

/** Volumes may have passphrases of their own: it is enough if this one opens one of them. */
async function unlock(
  { log }: StepContext<Services>,
  client: FilesClient,
  opened: FilesOutput,
  words: string,
): Promise<FilesOutput> {
  let files = opened;
  let refused: SendenseError | null = null;
  let isOpen = false;
  for (const { id } of opened.volumes.filter(({ state }) => state === 'encrypted')) {
    try {
      files = await client.unlock(opened.id, id, words);
      isOpen = true;
    } catch (error) {
      const told = toSendenseError(error);
      if (told.code !== 'files.locked' && told.code !== 'files.type') throw error;
      log(`${id}: ${told.message}`);
      refused ??= told;
    }
  }
  if (isOpen || refused === null) return files;
  throw new SendenseError(refused.code, refused.message, {
    cause: refused,
    remedy: 'Correct the secret that `passphrase` of the plan names. Sendense opens LUKS; it cannot open BitLocker.',
  });
}
