import { useEffect } from 'preact/hooks';
import { ask } from './ask.ts';
import { follow } from './events.ts';
import { way } from './freshness.ts';

/** Notices that the hub is gone also where a screen asks nothing by itself, such as a form. */
export function useHubWatch(isLoggedIn: boolean): void {
  useEffect(() => {
    if (!isLoggedIn) return undefined;
    return follow('status', () => {
      // While events come, the hub is there.
      if (way.peek() !== 'events') void ask('/api/v1/health');
    });
  }, [isLoggedIn]);
}
