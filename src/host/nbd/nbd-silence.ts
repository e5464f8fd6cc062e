/** What a half-open connection is found by. */
export interface SilenceOptions {
  /** How long an answer may stay out without any sign of life, ms. */
  readonly silenceMs: number;
  /** How many times as long it may be at present. Default 1. */
  readonly patience?: (() => number) | undefined;
  /** Whether an answer is waited for. */
  isWaiting(): boolean;
  /** Changes with all that comes. */
  received(): number;
  /** Changes with all that leaves for the network. */
  sent(): number;
  /** Asks the server for something that costs it nothing; once, at half the time. */
  probe(): void;
  onSilent(): void;
}

const looks = 8;

/**
 * Watches a connection. Counts its own looks and not the clock: when this process was stopped for a while, that must not
 * look like a silence of the server.
 */
export function watchSilence(options: SilenceOptions): Disposable {
  const { patience = () => 1 } = options;
  let quiet = 0;
  let probed = false;
  let [received, sent] = [-1, -1];
  const timer = setInterval(() => {
    const before = { received, sent };
    [received, sent] = [options.received(), options.sent()];
    // The probe itself is no sign of life; where it is encrypted it leaves a little later than it was made.
    const lives = received !== before.received || (sent !== before.sent && !probed);
    probed = false;
    quiet = options.isWaiting() && !lives ? quiet + 1 : 0;
    const most = Math.ceil(looks * patience());
    if (quiet === Math.ceil(most / 2)) {
      options.probe();
      probed = true;
    }
    if (quiet < most) return;
    clearInterval(timer);
    options.onSilent();
  }, options.silenceMs / looks).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
