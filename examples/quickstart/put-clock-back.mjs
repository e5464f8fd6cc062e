/**
 * Loaded before a program of the quickstart (`NODE_OPTIONS=--import=…`): its clock is so many milliseconds behind. What it does is real;
 * only the dates are those of the days before.
 */
const back = Number(process.env.SENDENSE_QUICKSTART_BACK_MS ?? 0);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() - back);
    else super(...given);
  }

  static now() {
    return RealDate.now() - back;
  }
};
