import type { CommandContext } from '../command.ts';
import { copyOrMove } from '../copy-or-move.ts';

export const action = (context: CommandContext): Promise<number> => copyOrMove(context, true);
