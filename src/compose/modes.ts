/** NAME of `service:NAME` in `network_mode` or `ipc`, else null. */
export function serviceOf(mode: string | null): string | null {
  return mode?.startsWith('service:') ? mode.slice('service:'.length) : null;
}
