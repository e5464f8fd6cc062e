import type { RestorePointOutput } from '../../../schemas/types.ts';
import { exact } from '../../design/moment.ts';
import { plain } from '../../design/text.tsx';

/** As people choose a restore point. */
export const pointName = ({ created, kind, repository }: RestorePointOutput): string =>
  `${exact(created)}, ${kind}, ${plain(repository)}`;
