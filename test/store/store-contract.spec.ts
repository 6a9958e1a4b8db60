import { storeContract } from '../../src/testing/index.js';
import { stores } from '../support/stores.js';

for (const { name, shared, open } of stores) storeContract({ name, shared, open });
