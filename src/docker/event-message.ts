import type { EngineEvent } from './engine.ts';
import { asRecord, asText, asTextRecord } from './json-reader.ts';

const NANOSECONDS_PER_MS = 1_000_000;

/**
 * Reads one message of the event stream. Only `Type`, `Action`, `Actor` and `timeNano` are read: the older `status`, `id` and `from`
 * are gone from API 1.52 on. Null for a message that names no container.
 */
export function parseEvent(message: unknown): EngineEvent | null {
  const fields = asRecord(message);
  const actor = asRecord(fields['Actor']);
  const containerId = asText(actor['ID']);
  const action = asText(fields['Action']);
  if (fields['Type'] !== 'container' || containerId === '' || action === '') return null;
  const nanoseconds = fields['timeNano'];
  return {
    type: 'container',
    action,
    containerId,
    attributes: asTextRecord(actor['Attributes']),
    atMs: typeof nanoseconds === 'number' ? nanoseconds / NANOSECONDS_PER_MS : null,
  };
}
