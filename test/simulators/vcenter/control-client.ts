/** Asks the control endpoint: query parameters, a body, and the JSON of the answer. */
export type Control = (
  path: string,
  query?: Record<string, string | number | boolean>,
  body?: string | Uint8Array,
) => Promise<unknown>;

const limitMs = 60_000;

export function controlClient(url: string): Control {
  return async (path, query = {}, body) => {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) parameters.set(name, String(value));
    const answer = await fetch(`${url}${path}?${parameters.toString()}`, {
      method: 'POST',
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> | string }),
      signal: AbortSignal.timeout(limitMs),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`test vCenter, ${path}: ${text.trim()}`);
    return JSON.parse(text) as unknown;
  };
}
