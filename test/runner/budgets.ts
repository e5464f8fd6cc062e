/**
 * Seconds of processor time that the tests of each folder may take in `npm test`, on the machine of the CI with two cores. `npm test`
 * says when a folder takes more; it does not fail, because a slow machine is no fault of the tests. Make the tests cheaper before you
 * give a folder more: ten minutes for everything are twenty minutes of processor time, and other work wants its part.
 *
 * Chromium, which all test files share, and the kernels that read files are in no budget. `npm test` says what all processors did.
 */
export const budgets: Readonly<Record<string, number>> = {
  'test/e2e': 790,
  'test/e2e/network': 160,
  'test/steps': 76,
  'test/restore-points': 30,
  'test/restore-points/merge': 85,
  'test/hub': 70,
  'test/hub/repositories': 53,
  'test/api': 6,
  'test/node': 55,
  'test/node/link': 30,
  'test/node/vsphere': 52,
  'test/host': 30,
  'test/host/ssh': 30,
  'test/blocks': 41,
  'test/transfer': 34,
  'test/cli': 42,
  'test/services': 20,
  'test/project': 16,
  'test/examples': 18,
  'test/simulators': 9,
  'test/plan': 8,
  'test/state': 8,
  'test/schemas': 2,
  'test/sources': 19,
  'test/targets': 32,
  'test/files': 80,
  'test/boot': 3,
  'test/machines': 1,
  'test/engine': 8,
  'test/errors': 2,
  'test/errors/findings': 2,
  'test/repository': 5,
  'test/fuzz': 40,
  'test/view': 3,
  'test/web': 30,
  'test/runner': 3,
};
