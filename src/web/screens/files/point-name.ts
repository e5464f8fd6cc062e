import type { RestorePointOutput } from '../../../schemas/types.ts';
import { formatTime } from '../../../view/format.ts';
import { plain } from '../../design/text.tsx';

/** As people choose a restore point, in a field that a phone has room for: in the reader's zone, without its name. */
export const pointName = ({ created, kind, repository }: RestorePointOutput): string =>
  `${formatTime(created)}, ${kind}, ${plain(repository)}`;
