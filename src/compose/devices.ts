import { type Field, type Report, readItems, readKeys, readText, readTexts, readWhole } from './field.ts';
import { readNamedTexts } from './lists-and-maps.ts';
import { KEYS_AT } from './service-keys.ts';
import type { DeviceRequest } from './service-spec.ts';

/** More GPUs than any machine has. */
const MOST_DEVICES = 1024;

const REQUEST_KEYS = { known: KEYS_AT['services.*.deploy.resources.reservations.devices[]'] };

/** `deploy:`, of which only `resources.reservations.devices` is known. */
export function readDeploy(field: Field, report: Report): DeviceRequest[] {
  const cluster = 'it is for clusters';
  const resources = readKeys(
    field,
    {
      known: KEYS_AT['services.*.deploy'],
      unsupported: {
        mode: cluster,
        replicas: cluster,
        placement: cluster,
        endpoint_mode: cluster,
        update_config: cluster,
        rollback_config: cluster,
        labels: 'put them under labels of the service',
        restart_policy: 'ai-sandbox restarts services itself',
      },
    },
    report,
  )?.get('resources');
  if (resources === undefined) return [];
  const reservations = readKeys(
    resources,
    {
      known: KEYS_AT['services.*.deploy.resources'],
      unsupported: { limits: 'write mem_limit in the service' },
    },
    report,
  )?.get('reservations');
  if (reservations === undefined) return [];
  const unsupported = { memory: '', cpus: '', generic_resources: '' };
  const devices = readKeys(
    reservations,
    { known: KEYS_AT['services.*.deploy.resources.reservations'], unsupported },
    report,
  )?.get('devices');
  if (devices === undefined) return [];
  return (readItems(devices, report) ?? []).flatMap((item) => readRequest(item, [], report));
}

/** `gpus:` of a service: `all`, or a list of requests; the capability `gpu` is added. */
export function readGpus(field: Field, report: Report): DeviceRequest[] {
  if (field.node.kind === 'scalar') {
    if (field.node.text === 'all')
      return [{ driver: '', count: -1, deviceIds: [], capabilities: ['gpu'], options: {} }];
    report(field, '"all" or a list is wanted');
    return [];
  }
  return (readItems(field, report) ?? []).flatMap((item) => readRequest(item, ['gpu'], report));
}

function readRequest(field: Field, added: readonly string[], report: Report): DeviceRequest[] {
  const keys = readKeys(field, REQUEST_KEYS, report);
  if (keys === null) return [];
  const driver = keys.get('driver');
  const count = keys.get('count');
  const ids = keys.get('device_ids');
  const capabilities = keys.get('capabilities');
  const options = keys.get('options');
  if (count !== undefined && ids !== undefined)
    report(count, 'count and device_ids exclude each other; keep one of them');
  if (capabilities === undefined && added.length === 0)
    report(field, 'capabilities is missing, for example [gpu]');
  return [
    {
      driver: driver === undefined ? '' : (readText(driver, report) ?? ''),
      count: ids !== undefined ? null : count === undefined ? -1 : readCount(count, report),
      deviceIds: ids === undefined ? [] : readTexts(ids, report),
      capabilities: [...(capabilities === undefined ? [] : readTexts(capabilities, report)), ...added],
      options: options === undefined ? {} : readNamedTexts(options, report),
    },
  ];
}

function readCount(field: Field, report: Report): number | null {
  if (field.node.kind === 'scalar' && field.node.text === 'all') return -1;
  return readWhole(field, 1, MOST_DEVICES, report);
}
