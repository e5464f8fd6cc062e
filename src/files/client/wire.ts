/** What a client and the routes about files agree on, beside their schemas. */

/** The folder of the socket is this user's alone: who reaches it may ask. */
export const keeperToken = 'reached';

/** Trailer of an archive: base64 of what `tar` said of files that it left out. */
export const leftOutTrailer = 'sendense-left-out';
