import { expect, test } from 'vitest';
import type { PhaseView } from '../../../src/status/schema.ts';
import { timeline } from '../../../src/status/timeline.ts';

const phase = (
  name: string,
  after_seconds: number | null,
  seconds: number | null,
  state: PhaseView['state'] = 'done',
): PhaseView => ({ name, state, started_at: null, finished_at: null, after_seconds, seconds });

test('shows what overlaps, in the order in which it began', () => {
  const phases = [
    phase('docker', 0, 40),
    phase('gpu_driver', 45, 100),
    phase('image_api', 50, 110),
    phase('model_download', 50, 70),
    phase('load_model', 160, 30, 'running'),
    phase('first_chat', null, null, 'pending'),
  ];
  expect(timeline({ phases })).toEqual([
    'docker                       40 s |#######                         |',
    'gpu_driver             1 min 40 s |        ################        |',
    'model_download         1 min 10 s |        ############            |',
    'image_api              1 min 50 s |        ###################     |',
    'load_model           30 s running |                           #####|',
  ]);
});

test('shows a phase that took no time, and is empty before anything has begun', () => {
  expect(timeline({ phases: [phase('image_ui', 0, 0)] })).toEqual([
    'image_ui                      0 s |#                               |',
  ]);
  expect(timeline({ phases: [phase('image_ui', null, null, 'pending')] })).toEqual([]);
});
