/** Amounts and times in the words of people: one place, so that motd, journal and command line agree. */

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes in decimal units, as disks and hubs count them: `812 B`, `5.8 GB`, `212 MB`. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit >= 3 && value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${SIZE_UNITS[unit]}`;
}

/** Two amounts of one thing, with the unit once where it is the same: `5.8/14.1 GB`, `812 MB/14.1 GB`. */
export function formatBytesOf(done: number, total: number): string {
  const [doneText, totalText] = [formatBytes(done), formatBytes(total)];
  const [value, unit] = doneText.split(' ');
  return totalText.endsWith(` ${unit}`) ? `${value}/${totalText}` : `${doneText}/${totalText}`;
}

/** Seconds as `42 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** An estimate, coarse enough not to flicker: `about 10 s`, `about 2 min`, `about 1 h 10 min`. */
export function formatEstimate(seconds: number): string {
  if (seconds < 55) return `about ${Math.max(1, Math.ceil(seconds / 10)) * 10} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${minutes} min`;
  return `about ${formatDuration(Math.round(minutes / 10) * 600)}`;
}

/** A share in whole percent, cut and not rounded, so that 100 % means all of it. */
export function formatPercent(percent: number): string {
  return `${Math.floor(Math.min(100, Math.max(0, percent)))} %`;
}
