/**
 * Values of nvidia-smi that are no value, whole cell: CSV puts most of them into brackets (`[N/A]`, `[Not Supported]`), XML does
 * not. Words of NVML's nvmlErrorString and of nvidia-smi 270 to 595.
 */
const NO_VALUE =
  /^(?:\[?(?:n\/a|not supported|not available|unknown error|unknown|insufficient permissions|no permission|function not found|not found|none|gpu is lost|gpu requires reset|reset required|requested functionality has been deprecated|deprecated|unavailable|undefined)\]?|err!|\?+|-+)$/i;

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** The text of a cell; null where it stands for "no value". */
export function smiText(cell: string | undefined): string | null {
  const text = cell?.trim() ?? '';
  return text === '' || NO_VALUE.test(text) ? null : text;
}

/** The number at the start of a cell (`38`, `38 C`, `8.44 W`, `0 %`); null where there is none. */
export function smiNumber(cell: string | undefined): number | null {
  const text = smiText(cell);
  const number = /^-?\d+(?:\.\d+)?/.exec(text ?? '')?.[0];
  return number === undefined ? null : Number(number);
}

/** An amount of memory as bytes; a bare number counts MiB, as with `nounits`. */
export function smiBytes(cell: string | undefined): number | null {
  const amount = smiNumber(cell);
  if (amount === null || amount < 0) return null;
  const unit = /[A-Za-z]+$/.exec(cell?.trim() ?? '')?.[0] ?? 'MiB';
  const bytes = BYTES_PER_UNIT[unit];
  return bytes === undefined ? null : Math.round(amount * bytes);
}

/** `Enabled`, `Yes`, `Active`, `1` are true; `Disabled`, `No`, `Not Active`, `0` false; anything else null. */
export function smiFlag(cell: string | undefined): boolean | null {
  const text = smiText(cell)?.toLowerCase() ?? '';
  if (['enabled', 'yes', 'active', 'on', '1', 'true'].includes(text)) return true;
  return ['disabled', 'no', 'not active', 'off', '0', 'false'].includes(text) ? false : null;
}
