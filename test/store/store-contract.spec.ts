import { storeContract } from '../../src/testing/index.js';
import { storesWithOptions } from '../support/stores.js';

for (const { name, shared, open } of storesWithOptions) storeContract({ name, shared, open });
