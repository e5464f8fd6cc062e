import type { JSX } from 'preact';
import { formatTime } from '../../view/format.ts';

/** What steers a terminal or turns the direction of a text: control characters, embeddings, overrides, isolates, marks. */
// eslint-disable-next-line no-control-regex
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A text from elsewhere whose characters all show: those that steer something are written as `\u202e`. */
export const plain = (text: string): string =>
  text.replaceAll(steering, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);

const utc = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\b/g;

/** As {@link plain}, of a message that the programs made: its times are told in the reader's zone. */
export const told = (text: string): string => plain(text).replaceAll(utc, (time) => formatTime(Date.parse(time)));

/** As {@link plain}, of a text with lines: they end where they do. */
export const plainLines = (text: string): string => text.replaceAll('\r\n', '\n').split('\n').map(plain).join('\n');

/** A text from elsewhere, such as the name of a VM: it changes nothing around it. */
export const Text = ({ of }: { readonly of: string }): JSX.Element => <bdi>{plain(of)}</bdi>;

/** What the programs tell people to do: words between backquotes are typed as they are. */
export const Advice = ({ of }: { readonly of: string }): JSX.Element => (
  <>
    {plain(of)
      .split(/`([^`]+)`/)
      .map((part, index) => (index % 2 === 0 ? part : <code key={index}>{part}</code>))}
  </>
);
