import { describe } from 'vitest';
import { vllmContract } from '../contract/vllm.ts';
import { realPair, START_DEADLINE_MS } from './contract-stage.ts';

const pair = realPair('real-vllm-contract');

describe('the real vLLM', () => vllmContract(pair, START_DEADLINE_MS));
