import type { Readable, Writable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { CopyOutput, GcOutput, RepairOutput, RepositoriesOutput } from '../../schemas/types.ts';
import type { Services } from '../../steps/services.ts';
import type { GcRequest } from './collect-garbage.ts';
import type { CopyRequest } from './copy-points.ts';
import type { RepositoriesRequest } from './describe-repositories.ts';
import { maintenanceRun } from './maintenance-run.ts';

export interface ReceiveRequest {
  /** Name of the repository in the settings, or its absolute path. */
  readonly repository: string;
  readonly input: Readable;
  readonly output: Writable;
  readonly signal?: AbortSignal | undefined;
}

/** What is done to repositories beside making and reading restore points. */
export interface Care {
  repositories(request: RepositoriesRequest): Promise<RepositoriesOutput>;
  gc(request: GcRequest): Promise<GcOutput>;
  /** Makes the marker of a repository again. */
  repair(repository: string): Promise<RepairOutput>;
  copy(request: CopyRequest): Promise<CopyOutput>;
  /** The other side of {@link copy}, over a pipe. */
  receive(request: ReceiveRequest): Promise<void>;
}

/** @param recover cleans up after runs that died: their locks would be in the way */
export const manageCare = (services: Services, recover: (signal?: AbortSignal) => Promise<unknown>): Care => ({
  async repositories(request) {
    const { describeRepositories } = await import('./describe-repositories.ts');
    return describeRepositories(services, request);
  },
  async gc(request) {
    const { collectGarbage } = await import('./collect-garbage.ts');
    if (!request.dryRun) await recover(request.signal);
    return collectGarbage(services, request);
  },
  async repair(repository) {
    const { repairRepository } = await import('./repair-repository.ts');
    return repairRepository(services, repository);
  },
  async copy(request) {
    const { copyPoints } = await import('./copy-points.ts');
    await recover(request.signal);
    return copyPoints(services, request);
  },
  async receive({ repository, input, output, signal }) {
    const [{ serveReceiver }, { localReceiver }] = await Promise.all([
      import('./serve-receiver.ts'),
      import('./receiver.ts'),
    ]);
    const name = nameOf(services, repository);
    await recover(signal);
    await maintenanceRun(services.state, { name: 'repo-receive', vm: '*', repository: name }, async (run) => {
      await using receiver = localReceiver(services, name, run, signal);
      await serveReceiver(input, output, receiver);
    });
  },
});

/** @throws SendenseError `repository.unusable` */
function nameOf({ settings, repositoryPath }: Services, wanted: string): string {
  const names = Object.keys(settings.repositories);
  const found = names.find((name) => name === wanted || repositoryPath(name) === wanted.replace(/(.)\/+$/, '$1'));
  if (found !== undefined) return found;
  const known = names.map((name) => `${name} at ${repositoryPath(name)}`).join(', ');
  throw new SendenseError('repository.unusable', `no repository of this hub is ${wanted}; it has ${known}`);
}
