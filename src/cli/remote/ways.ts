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
const boots = () => import('./remote-boots.ts');
const credentials = () => import('./remote-credentials.ts');
const nodes = () => import('./remote-nodes.ts');
const schedules = () => import('./remote-schedules.ts');

const ownFiles = atHub('it reads or writes files of the hub');
const ofService = atHub('it is a service of the hub itself');
const ofMachine = atHub('it sets up the machine on which it runs');
const forPrograms = atHub('other programs of the hub call it');
const withKeys = atHub('it reads a repository on the machine on which it runs');
const rescue = { keyFile: withKeys.why, keyCommand: withKeys.why } as const;
const filesRead = ['mountRestorePoint', 'showRestoreMount', 'unlockVolume', 'choosePoint', 'listBackups'] as const;
const overFiles = (...routes: readonly string[]): HubWay => viaHub([...filesRead, ...routes], rescue);
const ownCredential = { credential: 'the API takes the credential of the source' } as const;

const ofKeys = 'it is for another hub, whose private key is a file of the hub';
const copies = viaHub(['copyPoints', 'showCopy', 'listBackups', 'choosePoint'], { identity: ofKeys, hostKey: ofKeys });

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
  'attach': act(
    ['startRestore', 'previewRestore', 'readRunLog', 'cancelRun'],
    async () => (await import('./remote-restore.ts')).attach,
    rescue,
  ),
  'attach list': viaHub(['listAttached', 'listAttachedKvm'], ownCredential),
  'detach': viaHub(['listAttached', 'detachDisks', 'listAttachedKvm', 'detachKvmDisks'], ownCredential),
  'boot': act(['startBoot'], async () => (await boots()).startBoot),
  'boot list': viaHub(['listBoots']),
  'boot status': viaHub(['listBoots', 'bootScreen', 'bootSerial']),
  'boot start': viaHub(['listBoots', 'startBootAgain']),
  'boot stop': viaHub(['listBoots', 'switchOffBoot', 'endBoot']),
  'boot keep': act(
    ['listBoots', 'keepBoot', 'previewBootKeep', 'readRunLog', 'cancelRun'],
    async () => (await boots()).keepBoot,
  ),
  'boot move': viaHub(['listBoots', 'moveBoot']),
  'boot watch': ofService,
  'files': overFiles(),
  'files ls': overFiles('listFiles'),
  'files tree': overFiles('listFiles', 'searchFiles'),
  'files find': overFiles('searchFiles', 'listRestoreMounts', 'closeRestoreMount'),
  'files stat': overFiles('statFile'),
  'files cat': overFiles('downloadFile'),
  'files get': overFiles('statFile', 'downloadFile', 'downloadSelection'),
  'files diff': overFiles('compareBlocks', 'compareRestorePoints', 'statFile'),
  'files mount': overFiles('listFiles', 'statFile', 'downloadFile'),
  'files unmount': here,
  'files open': viaHub(['listRestoreMounts']),
  'files close': viaHub(['listRestoreMounts', 'closeRestoreMount', 'choosePoint', 'listBackups']),
  'files log': act(['readFilesLog'], async () => (await lists()).filesLog),
  'files doctor': ofMachine,
  'files keep': ofService,
  'list': viaHub(['listBackups'], rescue),
  'show': viaHub(['listBackups', 'showBackup', 'showChain', 'showRun', 'choosePoint'], {
    ...rescue,
    log: 'the logs of jobs are files of the hub; `logs` prints the log of the run',
  }),
  'check': viaHub(
    ['checkRepository', 'showCheck', 'listRepositories', 'listBackups', 'showBackup', 'choosePoint'],
    rescue,
  ),
  'verify': act(
    ['verifyPoints', 'previewVerification', 'listRepositories', 'readRunLog', 'cancelRun'],
    async () => (await runs()).verify,
    { ...rescue, passphraseFile: 'passphrases of guests stay in files of the hub, which a plan of kind verify names' },
  ),
  'status': viaHub(['showStatus'], { plans: 'it reads a folder of the hub' }),
  'history': viaHub(['listRuns', 'dailyRuns']),
  'logs': viaHub(['readRunLog', 'listRuns']),
  'metrics': viaHub(['metrics'], { write: 'the file of metrics is one of the hub' }),
  'notify list': act(['listChannels'], async () => (await lists()).channels),
  'notify test': act(['testNotices'], async () => (await lists()).testChannels),
  'notify flush': act(['flushNotices'], async () => (await lists()).flush),
  'notify history': act(['listNotices'], async () => (await lists()).notices),
  'recover': viaHub(['recoverRuns']),
  'schedule list': act(['listSchedules'], async () => (await lists()).schedules),
  'schedule next': act(['nextSlots'], async () => (await schedules()).nextSlots),
  'schedule history': act(['pastSlots'], async () => (await schedules()).pastSlots),
  'schedule run': act(['runPlan', 'readRunLog', 'cancelRun'], async () => (await runs()).runScheduled, {
    timer: 'systemd timers are at the hub',
  }),
  'schedule pause': act(['pauseSchedule'], async () => (await lists()).pause),
  'schedule resume': act(['resumeSchedule'], async () => (await lists()).resume),
  'schedule backfill': act(['backfillSchedule', 'pastSlots'], async () => (await schedules()).backfill),
  'schedule install': ofMachine,
  'schedule run-slot': forPrograms,
  'daemon': ofService,
  'daemon install': ofMachine,
  'upkeep': viaHub(['keepHouse']),
  'prune': act(
    ['previewPrune', 'startPrune', 'listBackups', 'choosePoint', 'readRunLog', 'cancelRun'],
    async () => (await import('./remote-prune.ts')).prune,
  ),
  'protect': viaHub(['protectBackup', 'listBackups', 'choosePoint']),
  'unprotect': viaHub(['unprotectBackup', 'forgetBoot', 'listBackups', 'choosePoint']),
  'adopt': viaHub(['adoptVm']),
  'discover': viaHub(['sourceVms'], {
    writePlan: 'plans are files of the hub; the page writes one, as does `POST /api/v1/plan-files`',
  }),
  'credentials add': act(['listCredentials', 'addCredential'], async () => (await credentials()).addCredential),
  'credentials list': act(['listCredentials'], async () => (await credentials()).listCredentials),
  'credentials rotate': act(
    ['listCredentials', 'changeCredential'],
    async () => (await credentials()).rotateCredential,
    { key: 'the key that seals the passwords is one of the hub, and stays there' },
  ),
  'credentials remove': act(['removeCredential'], async () => (await credentials()).removeCredential),
  'credentials test': act(['testCredential'], async () => (await credentials()).testCredential),
  'user add': act(['addUser'], async () => (await access()).addUser),
  'user list': act(['listUsers'], async () => (await access()).listUsers),
  'user password': act(['setPassword'], async () => (await access()).setPassword),
  'user roles': act(['setRoles', 'showUser'], async () => (await access()).setRoles),
  'user disable': act(['disableUser', 'showUser'], async () => (await access()).disableUser),
  'user enable': act(['enableUser', 'showUser'], async () => (await access()).enableUser),
  'user remove': act(['removeUser'], async () => (await access()).removeUser),
  'user sessions': act(
    ['listSessions', 'endSession', 'endUserSessions', 'showUser'],
    async () => (await access()).sessions,
  ),
  'token create': act(['createToken'], async () => (await access()).createToken),
  'token list': act(['listTokens'], async () => (await access()).listTokens),
  'token revoke': act(['revokeToken'], async () => (await access()).revokeToken),
  'audit': act(['readAudit'], async () => (await lists()).audit),
  'node add': act(['addNode', 'renewNodeToken'], async () => (await nodes()).addNode),
  'node list': act(['listNodes'], async () => (await lists()).nodes),
  'node show': act(['listNodes'], async () => (await lists()).node),
  'node rename': act(['renameNode'], async () => (await nodes()).renameNode),
  'node revoke': act(['revokeNode'], async () => (await nodes()).revokeNode),
  'node remove': act(['removeNode'], async () => (await nodes()).removeNode),
  'node sshd-config': ofMachine,
  'node accept': forPrograms,
  'node link': forPrograms,
  'hub': ofService,
  'hub install': ofMachine,
  'repo list': act(['listRepositories'], async () => (await lists()).repositories),
  'repo show': viaHub(['measureRepositories']),
  'repo usage': viaHub(['listRepositories', 'showRepository']),
  'repo copy': copies,
  'repo move': copies,
  'repo receive': forPrograms,
  'repo gc': viaHub(['collectGarbage']),
  'repo import': viaHub(['importRepository']),
  'repo repair': viaHub(['repairRepository']),
  'repo new-key': here,
  'schema': here,
  'explain': here,
  'completion': here,
};
