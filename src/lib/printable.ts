/** C0 and C1 controls, line and paragraph separators, and the marks that reverse the direction of text. */
const TERMINAL_CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** One line of text without anything that could steer a terminal; each such character becomes a space. */
export function printable(text: string): string {
  return text.replace(TERMINAL_CONTROLS, ' ');
}
