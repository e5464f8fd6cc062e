/** Meaning of each exit status; the catalogue says which error ends with which. */
export const exitCodes: Readonly<Record<number, string>> = {
  0: 'Done.',
  1: 'It failed, and cleaned up after itself. Or the answer is no (a damaged repository, no such restore point).',
  2: 'The command line is wrong.',
  3: 'Done, with warnings.',
  10: 'The plan or the settings are invalid.',
  11: 'Another run works on this VM.',
  12: 'A secret, token, host key, login or right was refused. Or what you named belongs to somebody else.',
  14: 'A step took too long, or no data moved for too long.',
  16: 'The run failed and could not clean up everything; the output names what is left.',
  70: 'Internal error.',
  75: 'A temporary failure. Try again.',
  130: 'Stopped by SIGINT.',
  143: 'Stopped by SIGTERM.',
};

/** How bad an exit status is, for several plans that end with one status: the later in this list, the worse. */
const byGravity = [0, 3, 75, 11, 14, 1, 12, 10, 2, 16, 70, 143, 130];

export const worstOf = (codes: readonly number[]): number =>
  codes.reduce((worst, code) => (gravity(code) > gravity(worst) ? code : worst), 0);

const gravity = (code: number): number => (byGravity.includes(code) ? byGravity.indexOf(code) : byGravity.length);
