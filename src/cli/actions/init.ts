import { existsSync, statSync } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { writeNewFile } from '../../host/files/files.ts';
import { notADisk } from '../../host/images/not-a-disk.ts';
import { loadPlanText } from '../../plan/load-plan.ts';
import { loadSettingsText, settingsName } from '../../plan/load-settings.ts';
import { completePlan } from '../../plan/expand/prepare-plan.ts';
import { isName, nameFrom } from '../../plan/names.ts';
import { findRepository } from '../../repository/open-repository.ts';
import { assertOwnRepository } from '../../repository/own-folder.ts';
import type { CommandContext } from '../command.ts';
import { firstFiles, type FirstPlan, type FirstSource } from '../first-files.ts';

/** Makes settings and a first plan that are valid together; nothing is written where one of the two is there. */
export async function action(context: CommandContext): Promise<number> {
  const wanted = await wantedOf(context);
  const { settings, plan, planName, next } = firstFiles(wanted);
  const files = [
    [resolve(settingsName), settings],
    [resolve(planName), plan],
  ] as const;
  for (const [file] of files) if (existsSync(file)) throw existing(file);
  await assertForRestorePoints(
    wanted.repository,
    files.map(([file]) => file),
  );
  const loaded = loadSettingsText({ file: files[0][0], text: settings });
  const prepared = completePlan(loadPlanText({ file: files[1][0], text: plan }), loaded);
  const [wrong] = [...loaded.diagnostics, ...prepared.diagnostics];
  if (wrong) throw usage(wrong.message);
  for (const [file, text] of files)
    await writeNewFile(file, text).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'EEXIST' ? existing(file) : cause;
    });
  const { stdout, style } = context.terminal;
  if (context.global.json) {
    stdout.write(`${JSON.stringify({ version: 1, files: files.map(([file]) => file), next })}\n`);
    return 0;
  }
  for (const [file] of files) stdout.write(`${style.green(style.symbols.done)} ${basename(file)}\n`);
  stdout.write(`\nNext:\n${next.map((command) => `  ${style.cyan(command)}\n`).join('')}`);
  return 0;
}

async function wantedOf({ options, askLine, global }: CommandContext): Promise<FirstPlan> {
  const given = options as {
    image?: readonly string[];
    vcenter?: string;
    vm?: string;
    repository?: string;
    thumbprint?: string;
  };
  if (given.image && given.vcenter !== undefined) throw usage('--image and --vcenter: say one of the two');
  const ask = global.json ? undefined : askLine;
  const asked = async (question: string, usual = ''): Promise<string> =>
    (await ask?.(`${question}${usual === '' ? '' : ` [${usual}]`}: `))?.trim() || usual;

  let { image, vcenter } = given;
  if (!image && vcenter === undefined) {
    const where = await asked('Disk image of the VM (a path), or a vCenter or ESXi host');
    if (where === '') throw usage('say what to back up: --image FILE, or --vcenter HOST --vm NAME');
    if (where.includes('/') || existsSync(where)) image = [where];
    else vcenter = where;
  }
  for (const file of image ?? []) assertImage(resolve(file));
  const vm = given.vm ?? (await asked('Name of the VM', image ? nameOfImage(image[0] ?? '') : ''));
  if (vm === '') throw usage('name the VM: --vm NAME');
  if (!isName(vm)) throw noName(vm, image !== undefined);
  const repository = given.repository ?? (await asked('Folder for the restore points', './repository'));
  const source: FirstSource = image
    ? { type: 'image', files: image.map((file) => resolve(file)) }
    : { type: 'vsphere', host: vcenter ?? '', thumbprint: given.thumbprint };
  return { vm, repository, ...source };
}

/** @throws SendenseError `source.missing`, `source.unsupported` */
function assertImage(file: string): void {
  if (!existsSync(file)) throw new SendenseError('source.missing', `there is no image ${file}`);
  const none = notADisk(file, statSync(file));
  if (none) throw none;
}

/** The nearest name to that of the file; there is always one. */
const nameOfImage = (file: string): string => nameFrom(basename(file).replace(/(?<=.)\.[^.]*$/, '')) || 'vm';

function noName(vm: string, isFree: boolean): SendenseError {
  const near = nameFrom(vm) || 'vm';
  return new SendenseError(
    'usage',
    `--vm ${JSON.stringify(vm)} is no name that a plan can have: it has letters, digits, dots, dashes and underscores, starts with a letter or digit, and has 63 characters at most`,
    {
      remedy: isFree
        ? `Name it otherwise, for example: --vm ${near}`
        : `Run init with --vm ${near}, then \`sendense-run discover vcenter --vm NAME --write-plan\` with the name that it has there: that plan finds it by its path.`,
    },
  );
}

/**
 * The first run would refuse a folder that holds anything else, or that others can write to: groups are not looked at, for the settings
 * can name one. What this user may not look into may be another's.
 * @param own what this command writes
 * @throws SendenseError `usage`, `repository.unusable`
 */
async function assertForRestorePoints(folder: string, own: readonly string[]): Promise<void> {
  const path = resolve(folder);
  const holds = [...own, resolve('state')].find((file) => file === path || !relative(path, file).startsWith('..'));
  if (holds !== undefined)
    throw usage(
      `the folder for the restore points, ${path}, would also hold ${holds}: a repository needs a folder of its own, such as ./repository`,
    );
  await findRepository('primary', path).catch((error: Error) => {
    const { code = '' } = (error.cause ?? {}) as NodeJS.ErrnoException;
    if (!['EACCES', 'EPERM'].includes(code)) throw error;
  });
  assertOwnRepository(path, 'any');
}

const existing = (file: string): SendenseError =>
  new SendenseError('file.exists', `${file} exists already`, {
    remedy: 'Sendense left the file unchanged. Edit it, or run init in another folder.',
  });

const usage = (message: string): SendenseError => new SendenseError('usage', message);
