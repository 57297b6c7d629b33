import { describe } from 'vitest';
import { openWebuiContract } from '../contract/open-webui.ts';
import { realPair, START_DEADLINE_MS } from './contract-stage.ts';

const pair = realPair('real-open-webui-contract');

describe('the real Open WebUI', () => openWebuiContract(pair, START_DEADLINE_MS));
