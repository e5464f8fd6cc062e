/** For what goes to its end when the caller goes away. */
export const goesOn = (): AbortSignal => new AbortController().signal;
