import type { ActWay, AtHubWay, HereWay, HubWay, Way } from './way.ts';

const viaHub = (routes: readonly string[], without: HubWay['without'] = {}): HubWay => ({
  how: 'hub',
  routes,
  without,
});

const act = (routes: readonly string[], load: ActWay['load'], without: ActWay['without'] = {}): ActWay => ({
  how: 'act',
  routes,
  load,
  without,
});

const here: HereWay = { how: 'here' };

const atHub = (why: string): AtHubWay => ({ how: 'at-hub', why });

const runs = () => import('./remote-runs.ts');
const lists = () => import('./remote-lists.ts');
const access = () => import('./remote-access.ts');

/** @param route method and path: whoever needs it can ask it with curl */
const unasked = (route: string): AtHubWay => atHub(`this command does not ask the API yet, which has ${route}`);

const noRoute = atHub('the API of the hub has no request for it yet');
const ownFiles = atHub('it reads or writes files of the hub');
const ofService = atHub('it is a service of the hub itself');
const ofMachine = atHub('it sets up the machine on which it runs');
const forPrograms = atHub('other programs of the hub call it');
const withKeys = atHub('it reads a repository on the machine on which it runs');
const filesOverHttp = atHub(
  'the requests about files are in docs/files.md; the page and curl take files from another machine',
);

const rescue = { keyFile: withKeys.why, keyCommand: withKeys.why } as const;
const byWords = { point: 'the API knows a restore point by its id, which `show` prints' } as const;

/** Every command, by its words. A test finds a command that is missing here, and a route that there is none of. */
export const ways: Readonly<Record<string, Way>> = {
  'run': act(['runPlan', 'previewPlan', 'readRunLog', 'cancelRun'], async () => (await runs()).runPlans, {
    as: 'the hub runs plans that it knows',
  }),
  'init': ownFiles,
  'plan': act(['previewPlan'], async () => (await runs()).previewPlans, { as: 'the hub runs plans that it knows' }),
  'validate': act(['validatePlan'], async () => (await import('./remote-validate.ts')).validate),
  'restore': act(
    ['startRestore', 'previewRestore', 'readRunLog', 'cancelRun'],
    async () => (await import('./remote-restore.ts')).restore,
    rescue,
  ),
  'boot': act(['startBoot'], async () => (await import('./remote-boots.ts')).startBoot),
  'boot list': viaHub(['listBoots']),
  'boot status': viaHub(['listBoots'], {
    screenshot: '`POST /api/v1/boots/{id}/screenshot` and the page show it',
    serial: 'the log of its serial port is a file of the hub',
  }),
  'boot start': viaHub(['listBoots', 'startBootAgain']),
  'boot stop': viaHub(['listBoots', 'switchOffBoot', 'endBoot']),
  'boot keep': unasked('POST /api/v1/boots/{id}/keep'),
  'boot move': unasked('POST /api/v1/boots/{id}/move'),
  'boot watch': ofService,
  'files': filesOverHttp,
  'files ls': filesOverHttp,
  'files tree': filesOverHttp,
  'files find': filesOverHttp,
  'files stat': filesOverHttp,
  'files cat': filesOverHttp,
  'files get': filesOverHttp,
  'files diff': filesOverHttp,
  'files mount': filesOverHttp,
  'files unmount': here,
  'files open': filesOverHttp,
  'files close': filesOverHttp,
  'files log': act(['readFilesLog'], async () => (await lists()).filesLog),
  'files doctor': ofMachine,
  'files keep': ofService,
  'list': viaHub(['listBackups'], rescue),
  'show': viaHub(['listBackups', 'showBackup', 'showChain', 'showRun'], {
    ...rescue,
    ...byWords,
    log: 'the logs of jobs are files of the hub; `logs` prints the log of the run',
  }),
  'check': unasked('POST /api/v1/repositories/{name}/check'),
  'verify': act(['verifyPoints', 'listRepositories', 'readRunLog', 'cancelRun'], async () => (await runs()).verify, {
    ...rescue,
    rate: 'the API has no limit for one verification',
    files: noRoute.why,
    passphraseFile: noRoute.why,
    boot: noRoute.why,
    dryRun: noRoute.why,
  }),
  'status': viaHub(['showStatus'], { plans: 'it reads a folder of the hub' }),
  'history': viaHub(['listRuns'], { daily: noRoute.why }),
  'logs': viaHub(['readRunLog', 'listRuns']),
  'metrics': viaHub(['metrics'], { write: 'the file of metrics is one of the hub' }),
  'notify list': act(['listChannels'], async () => (await lists()).channels),
  'notify test': unasked('POST /api/v1/notices/test'),
  'notify flush': noRoute,
  'notify history': act(['listNotices'], async () => (await lists()).notices),
  'recover': noRoute,
  'schedule list': act(['listSchedules'], async () => (await lists()).schedules),
  'schedule next': unasked('GET /api/v1/timetable'),
  'schedule history': noRoute,
  'schedule run': act(['runPlan', 'readRunLog', 'cancelRun'], async () => (await runs()).runScheduled, {
    timer: 'systemd timers are at the hub',
  }),
  'schedule pause': act(['pauseSchedule'], async () => (await lists()).pause),
  'schedule resume': act(['resumeSchedule'], async () => (await lists()).resume),
  'schedule backfill': unasked('POST /api/v1/schedules/{plan}/backfill'),
  'schedule install': ofMachine,
  'schedule run-slot': forPrograms,
  'daemon': ofService,
  'daemon install': ofMachine,
  'upkeep': noRoute,
  'prune': noRoute,
  'protect': viaHub(['protectBackup', 'listBackups'], byWords),
  'unprotect': viaHub(['unprotectBackup', 'listBackups'], { ...byWords, forgetBoot: noRoute.why }),
  'adopt': noRoute,
  'discover': noRoute,
  'credentials add': unasked('POST /api/v1/credentials'),
  'credentials list': unasked('GET /api/v1/credentials'),
  'credentials rotate': unasked('PUT /api/v1/credentials/{name}'),
  'credentials remove': unasked('DELETE /api/v1/credentials/{name}'),
  'credentials test': unasked('POST /api/v1/credentials/{name}/test'),
  'user add': act(['addUser'], async () => (await access()).addUser),
  'user list': act(['listUsers'], async () => (await access()).listUsers),
  'user password': act(['setPassword'], async () => (await access()).setPassword),
  'user roles': act(['setRoles', 'showUser'], async () => (await access()).setRoles),
  'user disable': act(['disableUser', 'showUser'], async () => (await access()).disableUser),
  'user enable': act(['enableUser', 'showUser'], async () => (await access()).enableUser),
  'user remove': act(['removeUser'], async () => (await access()).removeUser),
  'user sessions': unasked('GET /api/v1/sessions'),
  'token create': act(['createToken'], async () => (await access()).createToken),
  'token list': act(['listTokens'], async () => (await access()).listTokens),
  'token revoke': act(['revokeToken'], async () => (await access()).revokeToken),
  'audit': act(['readAudit'], async () => (await lists()).audit),
  'node add': unasked('POST /api/v1/nodes'),
  'node list': act(['listNodes'], async () => (await lists()).nodes),
  'node show': act(['listNodes'], async () => (await lists()).node),
  'node rename': unasked('POST /api/v1/nodes/{name}/rename'),
  'node revoke': unasked('POST /api/v1/nodes/{name}/revoke'),
  'node remove': unasked('DELETE /api/v1/nodes/{name}'),
  'node sshd-config': ofMachine,
  'node accept': forPrograms,
  'node link': forPrograms,
  'hub': ofService,
  'hub install': ofMachine,
  'repo list': act(['listRepositories'], async () => (await lists()).repositories),
  'repo show': unasked('GET /api/v1/repositories/{name}'),
  'repo usage': noRoute,
  'repo copy': noRoute,
  'repo move': noRoute,
  'repo receive': forPrograms,
  'repo gc': noRoute,
  'repo import': noRoute,
  'repo repair': noRoute,
  'repo new-key': here,
  'schema': here,
  'explain': here,
  'completion': here,
};
