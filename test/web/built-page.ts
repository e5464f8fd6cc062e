import { join } from 'node:path';

/** What `standIn` serves: the page as it is now, which `test/global-setup.ts` builds where the source is newer. */
export const builtPage = join(import.meta.dirname, '../../dist/web');
