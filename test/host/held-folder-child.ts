/** Makes a folder of its own work, says where, and lives on. */
import { makeRunFolder, ownFolderId } from '../../src/host/programs/run-folder.ts';

process.stdout.write(`${await makeRunFolder(ownFolderId('check'))}\n`);
setInterval(() => {}, 60_000);
