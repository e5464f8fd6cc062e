import { useEffect } from 'preact/hooks';
import { useLive, type Live } from './live.ts';

/** What the hub says of a question that takes longer than a request. */
interface Asked {
  readonly state: 'never' | 'running' | 'ended';
}

/** How often to look while it goes on, ms: no event tells of its end. */
const everyMs = 1500;

/** Such a question, followed to its end. */
export function useInquiry<Body extends Asked>(path: string | null): Live<Body> {
  const live = useLive<Body>(path, { everyMs: 15_000 });
  const running = live.data.value?.state === 'running';
  useEffect(() => {
    if (!running) return undefined;
    const timer = window.setInterval(live.again, everyMs);
    return () => window.clearInterval(timer);
  }, [running, live]);
  return live;
}
