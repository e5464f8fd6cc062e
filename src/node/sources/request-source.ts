import type { BackupStartRequest, Source } from '../../schemas/types.ts';
import { flatSource, type FlatRequest } from './vsphere/flat-request.ts';

type Request = Partial<FlatRequest> & Pick<BackupStartRequest, 'source'>;

/**
 * The source of a request: as it stands there, or in flat form.
 * @throws SendenseError `request.invalid` where there is neither, or no such host
 */
export const sourceOf = (request: Request): Source => request.source ?? flatSource(request);
