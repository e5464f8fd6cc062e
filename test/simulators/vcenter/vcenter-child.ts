/** Starts a test vCenter, says its process id and folder, and waits to be killed. */
import { startVcenter } from './start-vcenter.ts';

const vcenter = await startVcenter();
console.log(JSON.stringify({ pid: vcenter.pid, folder: vcenter.folder }));
setInterval(() => undefined, 1000);
