/// <reference types="node" preserve="true" />
export {
  storeContract,
  type DescribeFunction,
  type ItFunction,
  type KnownGap,
  type StoreContractOptions,
} from './store-contract.js';
export type { OpenStore } from './contract/contract-context.js';
