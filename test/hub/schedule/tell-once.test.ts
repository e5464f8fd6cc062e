import { expect, test } from 'vitest';
import { tellOnce } from '../../../src/hub/schedule/tell-once.ts';
import { temporaryState } from '../../state/temporary-state.ts';

test('the same trouble is told once, and again after it was over', () => {
  using temporary = temporaryState();
  const { state } = temporary;
  const logged: string[] = [];
  const log = { error: (_facts: object | string, message?: string) => void logged.push(message ?? '') };
  const meaning = 'plans could not be read';
  const trouble = tellOnce(state, log, { file: '/plans', code: 'file.unreadable', meaning });
  for (const error of ['EACCES', 'EACCES', 'EIO']) trouble.tell(error);
  trouble.over();
  trouble.tell('EIO');
  const notices = state.all(state.query.selectFrom('notices').select(['event', 'message']).orderBy('number'));
  expect(notices.map(({ event, message }) => [event, message])).toEqual(
    ['EACCES', 'EIO', 'EIO'].map((error) => ['invalid-plan', `${meaning}: ${error}`]),
  );
  expect(logged).toHaveLength(3);
});
