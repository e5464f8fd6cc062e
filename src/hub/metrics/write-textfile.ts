import { resolve } from 'node:path';
import { writeFileDurably } from '../../host/files/files.ts';
import { collectFigures, type FiguresParts } from './collect.ts';

/** The figures in Prometheus' text form. */
export async function figuresText(parts: FiguresParts): Promise<string> {
  // Imported here: who writes no figures does not pay for the library.
  const { renderFigures } = await import('./registry.ts');
  return renderFigures(await collectFigures(parts));
}

/**
 * Writes the textfile of the settings anew, if there is one: whole or not at all, readable for node_exporter. Never
 * rejects; answers what went wrong, or null.
 */
export async function writeTextfile(parts: FiguresParts & { readonly settingsFolder: string }): Promise<string | null> {
  const { textfile } = parts.settings.metrics;
  if (textfile === undefined) return null;
  const file = resolve(parts.settingsFolder, textfile);
  try {
    await writeFileDurably(file, await figuresText(parts), 0o644);
    return null;
  } catch (error) {
    return `the metrics could not be written to ${file}: ${(error as Error).message}`;
  }
}
