import { MOTD_WIDTH } from './motd-layout.ts';

/** First and last line of the part of the file that is ours; what stands around it belongs to others and is kept. */
export const MOTD_BEGIN = '+-- ai-sandbox '.padEnd(MOTD_WIDTH, '-');
export const MOTD_END = '+-- end of ai-sandbox '.padEnd(MOTD_WIDTH, '-');

/**
 * Puts `block` into the text of a motd file, in the place of the block that stands there, else at its end. Other people's
 * text is kept byte for byte. An empty block removes ours. Several blocks (from a copied file) become one; a block
 * whose end is missing reaches to the end of the file, because only a cut write leaves one.
 */
export function mergeMotd(existing: string, block: string): string {
  const ours = block === '' ? [] : [MOTD_BEGIN, ...block.split('\n'), MOTD_END];
  const kept: string[] = [];
  let place: number | null = null;
  let inside = false;
  for (const line of linesOf(existing)) {
    const text = line.replace(/\r?\n$/, '');
    if (text === MOTD_BEGIN) {
      inside = true;
      place ??= kept.length;
    } else if (inside) {
      inside = text !== MOTD_END;
    } else {
      kept.push(line);
    }
  }
  const before = kept.slice(0, place ?? kept.length).join('');
  const after = kept.slice(place ?? kept.length).join('');
  if (ours.length === 0) return before + after;
  const separator = before === '' || before.endsWith('\n') ? '' : '\n';
  return `${before}${separator}${ours.join('\n')}\n${after}`;
}

/** The block that stands in a motd file, without its marks; null when there is none. */
export function motdBlock(existing: string): string | null {
  const lines = existing.split(/\r?\n/);
  const begin = lines.indexOf(MOTD_BEGIN);
  if (begin < 0) return null;
  const end = lines.indexOf(MOTD_END, begin);
  return lines.slice(begin + 1, end < 0 ? undefined : end).join('\n');
}

/** Lines with their ends. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
