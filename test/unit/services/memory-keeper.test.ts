import { expect, test } from 'vitest';
import { silentLog } from '../../../src/lib/log.ts';
import { EMPTY_MEMORY, newServiceMemory, type ServicesMemory } from '../../../src/services/memory.ts';
import { createMemoryKeeper } from '../../../src/services/memory-keeper.ts';

/** A section whose disk is full until told otherwise. */
function fullSection() {
  const section = {
    full: true,
    written: EMPTY_MEMORY,
    get: () => EMPTY_MEMORY,
    async set(value: ServicesMemory) {
      if (section.full) throw new Error('ENOSPC: no space left on device');
      section.written = value;
    },
  };
  return section;
}

test('what could not be written is written when the disk has space again, though nothing has changed since', async () => {
  const section = fullSection();
  const warnings: string[] = [];
  const keeper = createMemoryKeeper(section, { ...silentLog, warn: (line) => warnings.push(line) });
  keeper.set('api', { ...newServiceMemory(), wanted: false });
  await keeper.save();
  await keeper.save();
  expect(section.written).toEqual(EMPTY_MEMORY);
  expect(warnings).toEqual([
    'the state of the services could not be written: ENOSPC: no space left on device',
  ]);
  section.full = false;
  await keeper.save();
  expect(section.written.services['api']?.wanted).toBe(false);
});
