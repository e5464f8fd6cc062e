// Loaded into every program of a test before anything else (NODE_OPTIONS=--import): the clock is as far ahead, in ms, as the
// file MOVED_CLOCK says, also after that has changed. Timers and the monotonic clock are the machine's.
import { readFileSync } from 'node:fs';

const RealDate = Date;
const file = process.env.MOVED_CLOCK;
let ahead = 0;
const look = () => {
  try {
    ahead = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    // It is being replaced: as before.
  }
};
if (file !== undefined) {
  look();
  setInterval(look, 50).unref();
  globalThis.Date = class Date extends RealDate {
    constructor(...args) {
      if (args.length === 0) super(RealDate.now() + ahead);
      else super(...args);
    }
    static now() {
      return RealDate.now() + ahead;
    }
  };
}
