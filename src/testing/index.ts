export {
  storeContract,
  type DescribeFunction,
  type ItFunction,
  type KnownGap,
  type StoreContractOptions,
} from './store-contract.js';
