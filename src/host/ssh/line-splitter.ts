import { StringDecoder } from 'node:string_decoder';

/** Characters of a line that are kept; the rest of a longer one is dropped. */
const maxLine = 256 * 1024;

/** Takes bytes as they come and gives whole lines, without their ends; blank ones are left out. */
export function lineSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (chunk) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = (lines.pop() ?? '').slice(0, maxLine);
    for (const line of lines) if (line.trim() !== '') onLine(line.replace(/\r$/, ''));
  };
}
