import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { nodeCommands } from '../../src/cli/node/node-program.ts';
import { nodeGlobalOptions } from '../../src/cli/node/options.ts';
import { commands, globalOptions } from '../../src/cli/commands/index.ts';
import { bashCompletion } from '../../src/cli/completion/bash.ts';
import { fishCompletion } from '../../src/cli/completion/fish.ts';
import { zshCompletion } from '../../src/cli/completion/zsh.ts';
import { packagedRoot } from '../../src/cli/units/service-program.ts';
import {
  daemonUnitArgs,
  hubUnitArgs,
  unitText,
  type ServiceName,
  type UnitOptions,
} from '../../src/cli/units/units.ts';
import { manPage } from './man-page.ts';
import { productionModules, copyModule } from './modules.ts';
import type { DebianPackage } from './packages.ts';

export interface ContentOptions {
  /** The checkout. */
  readonly root: string;
  /** A bundle made of it. */
  readonly dist: string;
  /** Becomes the root of the file system of who installs it. */
  readonly tree: string;
  readonly version: string;
}

/** Writes the files of a package into a tree. */
export function writeContents(name: DebianPackage['name'], options: ContentOptions): void {
  const put = putInto(options.tree);
  documents(name, options, put);
  const overrides = join(options.root, 'packaging/deb/lintian', name);
  if (existsSync(overrides)) put(`usr/share/lintian/overrides/${name}`, readFileSync(overrides));
  if (name === 'sendense-common') common(options);
  else if (name === 'sendense-node') node(options, put);
  else hub(options, put);
}

type Put = (path: string, content: string | Uint8Array, mode?: number) => void;

const putInto =
  (tree: string): Put =>
  (path, content, mode = 0o644) => {
    const file = join(tree, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
  };

const compressed = (text: string): Uint8Array => gzipSync(text, { level: 9 });

function common({ root, dist, tree }: ContentOptions): void {
  const to = join(tree, packagedRoot);
  mkdirSync(join(to, 'node_modules'), { recursive: true });
  cpSync(dist, join(to, 'dist'), { recursive: true });
  for (const name of ['schemas', 'runners', 'package.json'])
    cpSync(join(root, name), join(to, name), { recursive: true });
  for (const name of productionModules(root))
    copyModule(root, name, join(to, 'node_modules'), `${process.platform}-${process.arch}`);
  mkdirSync(join(to, 'bin'));
  copyFileSync(process.execPath, join(to, 'bin/node'));
  const documentation = join(tree, 'usr/share/doc/sendense-common');
  for (const name of ['docs', 'examples', 'plans'])
    cpSync(join(root, name), name === 'docs' ? documentation : join(documentation, name), { recursive: true });
}

function node({ root, version }: ContentOptions, put: Put): void {
  program('sendense-node', put);
  put('etc/sendense/node.yaml', readFileSync(join(root, 'packaging/etc/node.yaml')));
  for (const name of ['sendense-node', 'sendense-tunnel'] as const) unit(name, '/usr/bin/sendense-node', {}, put);
  const page = manPage({
    program: 'sendense-node',
    summary: 'the agent of Sendense beside the disks',
    section: 1,
    version,
    commands: nodeCommands,
    globalOptions: nodeGlobalOptions,
  });
  put('usr/share/man/man1/sendense-node.1.gz', compressed(page));
}

function hub({ root, version }: ContentOptions, put: Put): void {
  program('sendense-run', put);
  put('etc/sendense/sendense.yaml', readFileSync(join(root, 'packaging/etc/sendense.yaml')));
  const writable = ['/srv/sendense'];
  // As `hub install` and `daemon install` would write them for the settings that come with the package.
  unit('sendense-files', '/usr/bin/sendense-run', { args: hubUnitArgs() }, put);
  unit('sendense-hub', '/usr/bin/sendense-run', { args: hubUnitArgs(), writable }, put);
  unit('sendense-daemon', '/usr/bin/sendense-run', { args: daemonUnitArgs(), writable }, put);
  put('usr/share/bash-completion/completions/sendense-run', bashCompletion());
  put('usr/share/zsh/vendor-completions/_sendense-run', zshCompletion());
  put('usr/share/fish/vendor_completions.d/sendense-run.fish', fishCompletion());
  const page = manPage({
    program: 'sendense-run',
    summary: 'backs up virtual machines as code',
    section: 1,
    version,
    commands,
    globalOptions,
  });
  put('usr/share/man/man1/sendense-run.1.gz', compressed(page));
}

/** exec, so that the process that systemd starts is the one that speaks to it. */
const program = (name: string, put: Put): void =>
  put(`usr/bin/${name}`, `#!/bin/sh\nexec ${packagedRoot}/bin/node ${packagedRoot}/dist/cli/${name}.js "$@"\n`, 0o755);

const unit = (name: ServiceName, file: string, more: Pick<UnitOptions, 'args' | 'writable'>, put: Put): void =>
  put(`usr/lib/systemd/system/${name}.service`, unitText(name, { program: [file], user: 'sendense', ...more }));

function documents(name: string, { root, version }: ContentOptions, put: Put): void {
  const folder = `usr/share/doc/${name}`;
  const changes = `sendense (${version}) stable; urgency=medium\n\n  * See CHANGELOG.md in /usr/share/doc/sendense-common.\n\n -- Sendense <packages@sendense.example.com>  Thu, 01 Jan 1970 00:00:00 +0000\n`;
  put(`${folder}/changelog.gz`, compressed(changes));
  put(`${folder}/copyright`, name === 'sendense-common' ? copyright(root) : copyrightHead);
  if (name === 'sendense-common') put(`${folder}/CHANGELOG.md`, readFileSync(join(root, 'CHANGELOG.md')));
}

const copyrightHead = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Sendense

Files: *
Copyright: 2026 the authors of Sendense
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
`;

/** With the licences of what is in the bundle: each npm package's own text. */
function copyright(root: string): string {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; license?: string; version?: string }>;
  };
  const texts = Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev && existsSync(join(root, path)))
    .map(([path, { license = 'see its text', version = '' }]) => {
      const file = ['LICENSE', 'LICENSE.md', 'license', 'LICENCE', 'LICENSE.txt'].find((one) =>
        existsSync(join(root, path, one)),
      );
      const body =
        license === 'Apache-2.0'
          ? 'On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.'
          : file === undefined
            ? 'No text comes with the package.'
            : readFileSync(join(root, path, file), 'utf8');
      const lines = body
        .trim()
        .split('\n')
        .map((line) => ` ${line.trim() || '.'}`);
      return [`Files: ${path}/*`, `Comment: npm package, version ${version}`, `License: ${license}`, ...lines].join(
        '\n',
      );
    });
  const runtime =
    'Files: bin/node\nCopyright: Node.js contributors\nLicense: MIT\n Node.js and what it contains: https://github.com/nodejs/node/blob/main/LICENSE';
  return `${[copyrightHead.trim(), runtime, ...texts].join('\n\n')}\n`;
}
