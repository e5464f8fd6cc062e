import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists, fsyncFile, fsyncFolder, removeTree, writeFileDurably, writeNewFile } from '../../host/files/files.ts';
import { openPrivateFolder, type PinnedFolder } from '../../host/files/pinned-folder.ts';
import { readRegular } from '../../host/files/regular-file.ts';
import { targetOf } from '../../host/images/image-options.ts';
import { commitOverlay, createOverlay } from '../../host/images/qemu-img.ts';
import { kvmWorks } from '../../host/images/qemu-system.ts';
import { convertInPlace, virtV2v, type InPlaceResult } from '../../host/images/virt-v2v.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import type { PlannedEffect, WrittenMachine } from '../../schemas/types.ts';
import { parseDuration } from '../../time/duration.ts';
import { openParts } from '../directory/part-folder.ts';
import type { ConvertedVm, ConvertRun, RestoreRequest, VmConverting, WrittenVm } from '../target-kind.ts';
import { bootConverted, type ConvertedDisk } from './boot-converted.ts';
import { conversionOf, virtioWinOf } from './conversion.ts';
import { beside, uuidOf } from './kvm-claim.ts';
import { planVm, type PlannedVm } from './plan-vm.ts';
import { startScript } from './start-script.ts';
import { v2vXml } from './v2v-xml.ts';
import { domainOf, filesOf, scriptMode, writtenMachine } from './write-beside.ts';

interface ConvertClaim {
  /** Folder of the disks as long as they are not published, absolute. */
  readonly parts: string;
  /** Names in it; they bear the id of the run. */
  readonly overlays: readonly { readonly disk: string; readonly part: string; readonly overlay: string }[];
  /** The file that says that the converted guest was up; from then on the disks are changed. */
  readonly verdict: string;
  /** The folder for temporary files of virt-v2v: they may be large, and here is room. */
  readonly work: string;
  /** Absolute; null: the usual place. */
  readonly virtioWin: string | null;
}

type Verdict = Omit<Extract<ConvertedVm, { readonly problem: null }>, 'machine'>;
type Failure = Omit<Extract<ConvertedVm, { readonly machine: null }>, 'machine'>;

/** Disks and network cards become virtio. virt-v2v changes overlays; the disks get what it changed when the guest has booted from that. */
export const virtioConverting: VmConverting<'kvm', ConvertClaim> = {
  claim(to, files, { runId, planFolder }) {
    const wanted = conversionOf(to);
    return {
      parts: dirname(files[0]?.temporary ?? to.kvm),
      overlays: files.map(({ disk, temporary }) => ({
        disk,
        part: basename(temporary),
        overlay: `${disk}.${runId}.convert.sendense-part`,
      })),
      verdict: `converted.${runId}.sendense-part`,
      work: `convert.${runId}.sendense-part`,
      virtioWin: wanted === null ? null : virtioWinOf(wanted, planFolder),
    };
  },

  effects: (to, files): PlannedEffect[] => [
    {
      action: 'run',
      target: virtV2v,
      detail: `gives the guest the drivers of KVM, on overlays over ${files.map(({ disk }) => disk).join(', ')}; for up to ${conversionOf(to)?.timeout}`,
      argv: [virtV2v, '-i', 'libvirtxml', 'guest.xml'],
    },
    {
      action: 'run',
      target: 'the converted VM',
      detail: `booted without a network, from overlays that are thrown away, for up to ${conversionOf(to)?.check.timeout}; if it does not boot, the VM keeps the hardware that the guest knows`,
      argv: null,
    },
  ],

  check: (to) => {
    const wanted = conversionOf(to);
    if (wanted !== null) return wanted.check;
    throw new SendenseError('plan.invalid', 'the plan does not say to what the VM is converted', {
      remedy: 'Write `convert: virtio`, or remove the step restore.convert.',
    });
  },

  async convert(request, written, claim, run) {
    await using parts = await openParts(claim.parts);
    const vm = await planVm(request, { uuid: uuidOf(run.runId), runId: run.runId }, run.signal, 'virtio');
    const known = await verdictOf(parts, claim);
    const verdict = known ?? (await attempt(vm, { request, claim, parts, run }));
    if (verdict.problem !== null) {
      await clear(parts, claim);
      return { machine: null, ...verdict };
    }
    // From here on the disks are neither what they were nor what they will be, until all of this is done.
    if (known === null) await writeFileDurably(`${parts.path}/${claim.verdict}`, JSON.stringify(verdict));
    for (const one of claim.overlays) await keep(one, parts, run);
    const machine = await writeAnew(vm, written, parts);
    await clear(parts, claim);
    return { machine, ...verdict };
  },

  async undoConvert(claim) {
    const parts = await openPrivateFolder(claim.parts);
    if (parts === null) return;
    await using held = parts;
    await clear(held, claim);
  },
};

/** What an earlier attempt of the same run has found. */
async function verdictOf({ path }: PinnedFolder, { verdict }: ConvertClaim): Promise<Verdict | null> {
  const file = `${path}/${verdict}`;
  return (await exists(file)) ? (parseJson((await readRegular(file)).toString('utf8')) as Verdict) : null;
}

interface Attempt {
  readonly request: RestoreRequest<'kvm'>;
  readonly claim: ConvertClaim;
  readonly parts: PinnedFolder;
  readonly run: ConvertRun;
}

/** Converts overlays, and boots them. The disks stay as they are. */
async function attempt(vm: PlannedVm, work: Attempt): Promise<Verdict | Failure> {
  const { request, claim, parts, run } = work;
  await clear(parts, claim);
  const disks: ConvertedDisk[] = [];
  for (const { disk, part, overlay } of claim.overlays) {
    const known = request.disks.find((one) => one.disk === disk);
    if (!known) throw new SendenseError('run.internal', `no disk ${disk}`);
    const { number, capacity_bytes: capacityBytes } = known;
    await createOverlay(`./${overlay}`, part, capacityBytes, run.signal, parts.path);
    disks.push({ number, capacityBytes, layers: [overlay, part] });
  }
  try {
    const accel = await accelOf(conversionOf(request.to)?.accel, run.signal);
    const problem = await problemOfV2v(disks, accel, work);
    if (problem !== null) return { problem, sign: null, screenshot: null };
    run.log('the guest is converted; booting it with virtio devices, without a network');
    const { screenshot, ...seen } = await bootConverted(vm, disks, { place: parts.path, accel }, run);
    if (seen.sign !== null) return { sign: seen.sign, problem: null, screenshot };
    return { problem: `the converted guest did not boot: ${seen.problem}`, sign: null, screenshot };
  } catch (error) {
    run.signal.throwIfAborted();
    if (!(error instanceof SendenseError) || !judged.has(error.code)) throw error;
    return { problem: error.message, sign: null, screenshot: null };
  }
}

const accelOf = async (wanted: 'auto' | 'kvm' | 'tcg' = 'auto', signal: AbortSignal): Promise<'kvm' | 'tcg'> =>
  wanted === 'auto' ? ((await kvmWorks(signal)) ? 'kvm' : 'tcg') : wanted;

/** What speaks against the conversion, and not against the disks. */
const judged: ReadonlySet<string> = new Set(['tool.failed', 'tool.missing', 'disk.full']);

const aliveMs = 5000;

/** Why virt-v2v did not come to its end; null: it did. */
async function problemOfV2v(
  disks: readonly ConvertedDisk[],
  accel: 'kvm' | 'tcg',
  work: Attempt,
): Promise<string | null> {
  const { request, claim, parts, run } = work;
  const wanted = conversionOf(request.to);
  const before = await planVm(request, { uuid: uuidOf(run.runId), runId: run.runId }, run.signal);
  const overlays = new Map(disks.map(({ number, layers }) => [number, layers[0] ?? '']));
  const limit = AbortSignal.timeout(parseDuration(wanted?.timeout ?? '2h'));
  // It has a time limit of its own, and says nothing for minutes.
  const ticking = setInterval(() => run.alive(), aliveMs);
  try {
    const result = await convertInPlace({
      disks: parts.path,
      work: claim.work,
      xml: v2vXml(before, overlays, before.uefi === null ? null : `/tmp/${beside.variables}`),
      virtioWin: claim.virtioWin,
      accel,
      signal: AbortSignal.any([run.signal, limit]),
      onLine: (line) => run.log(line),
    });
    if (!result.finished) return inWords(result);
    if (result.exit !== 0) run.log(`${virtV2v} was done, then it ended with ${result.exit}: the boot will tell`);
    return null;
  } catch (error) {
    run.signal.throwIfAborted();
    if (limit.aborted) return `${virtV2v} was not done within ${wanted?.timeout}`;
    throw error;
  } finally {
    clearInterval(ticking);
    await removeTree(`${parts.path}/${claim.work}`);
  }
}

const mostLines = 3;
const encrypted = /passphrase|key from user|\bLUKS\b|BitLocker/i;

function inWords({ exit, said }: InPlaceResult): string {
  const last = reasonOf(said).join('; ').replace(/\p{C}/gu, ' ');
  const why = encrypted.test(said) ? '; it cannot convert a guest that encrypts its disk' : '';
  return `${virtV2v} ended with ${exit}${last === '' ? '' : `: ${last}`}${why}`;
}

/** Its error, without what it says of reports after that; where it names none, its last lines. */
function reasonOf(said: string): string[] {
  const lines = said.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  const error = lines.findLastIndex((line) => /^virt-v2v\S*: error: /.test(line));
  if (error === -1) return lines.slice(-mostLines);
  const about = lines.findIndex((line, index) => index > error && line.startsWith('If reporting bugs'));
  return lines.slice(error, about === -1 ? undefined : about).slice(0, mostLines);
}

/** Lets a disk have what was changed. */
async function keep(
  { part, overlay }: ConvertClaim['overlays'][number],
  parts: PinnedFolder,
  run: ConvertRun,
): Promise<void> {
  // An earlier attempt was done with it.
  if (!(await exists(`${parts.path}/${overlay}`))) return;
  const layers = [overlay, part].map((name) => ({ file: `./${name}`, encrypted: false }));
  await commitOverlay(targetOf(layers), { cwd: parts.path, signal: run.signal, onProgress: () => run.alive() });
  await fsyncFile(`${parts.path}/${part}`);
}

/** What is beside the disks, for the new devices. */
async function writeAnew(
  vm: PlannedVm,
  { files, machine }: WrittenVm,
  { path }: PinnedFolder,
): Promise<WrittenMachine> {
  const places = { targets: files, others: machine.files };
  const xml = await domainOf(vm, places);
  const texts = [
    { name: beside.domain, text: xml, mode: 0o600 },
    { name: beside.script, text: startScript(vm, filesOf(vm, places)), mode: scriptMode },
  ];
  for (const { name, text, mode } of texts) {
    const names = machine.files.find(({ disk }) => disk === name);
    if (!names) continue;
    const file = `${path}/${basename(names.temporary)}`;
    await rm(file, { force: true });
    await writeNewFile(file, text, mode);
  }
  await fsyncFolder(path);
  return writtenMachine(vm, { xml, files: machine.files, libvirt: machine.libvirt });
}

/** The verdict goes last: as long as it is there, overlays that are gone have been kept. */
async function clear({ path }: PinnedFolder, { overlays, work, verdict }: ConvertClaim): Promise<void> {
  await removeTree(`${path}/${work}`);
  for (const { overlay } of overlays) await rm(`${path}/${overlay}`, { force: true });
  await rm(`${path}/${verdict}`, { force: true });
}
