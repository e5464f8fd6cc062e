/** Debian's Chromium without windows: the same engine in a third less processor time, for there is nothing around the page. */
export const chromiumProgram = '/usr/bin/chromium-headless-shell';

/** What it is told when Playwright starts it, beside what Playwright says. */
export const chromiumWords = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  // Nothing is drawn by a graphics card; so a process of its own for it only costs.
  '--disable-gpu',
  '--in-process-gpu',
] as const;

/** What it is told when nobody but us starts it: the words of Playwright 1.x (`chromiumSwitches.ts`) that matter without windows. */
export const playwrightsWords = [
  '--allow-pre-commit-input',
  '--disable-back-forward-cache',
  '--disable-background-networking',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-breakpad',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-features=AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,ThirdPartyStoragePartitioning,SpareRendererForSitePerProcess',
  '--disable-field-trial-config',
  '--disable-hang-monitor',
  '--disable-ipc-flooding-protection',
  '--disable-popup-blocking',
  '--disable-prompt-on-repost',
  '--disable-renderer-backgrounding',
  '--disable-stack-profiler',
  '--disable-sync',
  '--force-color-profile=srgb',
  '--hide-scrollbars',
  '--metrics-recording-only',
  '--mute-audio',
  '--no-first-run',
  '--no-service-autorun',
  '--password-store=basic',
  '--unsafely-disable-devtools-self-xss-warnings',
  '--use-mock-keychain',
] as const;
