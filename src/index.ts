/// <reference types="node" preserve="true" />
export { Adapter, type DefinedAdapter, type DefinedAdapterClass } from './adapter/adapter.js';
export { AdapterRegistry } from './adapter/adapter-registry.js';
export type { AdapterDict, DictToLoad, ObjectsToLoad } from './adapter/adapter-dict.js';
export type {
  AdapterOptions,
  AnyObject,
  AnyObjects,
  FilteredObjects,
  FiltersOf,
  OfDiffClass,
  OwnFilters,
  SyncOptions,
  UntypedDiffOptions,
  UntypedSyncOptions,
} from './adapter/adapter-options.js';
export type {
  AdapterDefinition,
  AttrNameOf,
  DictInput,
  DiffOf,
  ElementOf,
  IdentifierNamed,
  MissingModel,
  ModelAmong,
  ModelDiffOptions,
  ModelElement,
  ModelList,
  ModelNamed,
  ModelScope,
  ModelSelection,
  ModelSyncOptions,
  ModelsToLoad,
  NameOf,
  ObjectNamed,
  OneOfModels,
} from './adapter/typed-adapter.js';
export type { Traversal } from './adapter/tree-traversal.js';
export { Diff, DiffElement } from './diff/diff.js';
export type {
  DanglingLink,
  DanglingLinks,
  ModelOperations,
  StaleChange,
  SyncFailure,
  UnlistedCounts,
} from './diff/sync-outcome.js';
export type { FullReason, IncrementalComparison } from './diff/incremental.js';
export type { SeenState } from './diff/seen-state.js';
export type { SecretMarks } from './diff/plan-secrets.js';
export type { Attrs, AttrsDiffs } from './diff/compared-object.js';
export type {
  ChangedObject,
  CreateChange,
  DeleteChange,
  DiffChange,
  LinkChange,
  UpdateChange,
} from './diff/diff-changes.js';
export type { DiffTerms, Plan, PlanElement, PlanHeader } from './diff/diff-plan.js';
export type { Fingerprint } from './diff/fingerprint.js';
export type { PlanSide } from './diff/plan-reader.js';
export type { Selection } from './diff/diff-selection.js';
export type { DiffSummary } from './diff/diff-render.js';
export type { DiffOptions } from './engine/compare/differ.js';
export type { ObjectsOfPart, Partition } from './engine/compare/partition.js';
export type { ReloadResult } from './engine/reload.js';
export {
  diffChannel,
  hookChannel,
  loadChannel,
  syncChannel,
  type DiffTrace,
  type HookTrace,
  type LoadTrace,
  type SyncTrace,
} from './engine/traces.js';
export type { AttrLists, ObjectFilter, ScopeOptions } from './engine/compare/scope.js';
export type { ProgressCallback } from './engine/progress.js';
export type { SyncerOptions, SyncFilter } from './engine/apply/sync-options.js';
export {
  AdapterNotFound,
  CopyAborted,
  CopyConflict,
  CopyException,
  CopyMismatch,
  DiffClassMismatch,
  DiffCompareFailed,
  DiffCycle,
  DiffException,
  DiffInvalid,
  DiffStale,
  DiffSyncError,
  LeaseLost,
  ModelDefinitionError,
  ModelValidationError,
  ObjectAlreadyExists,
  ObjectCrudException,
  ObjectNotCreated,
  ObjectNotDeleted,
  ObjectNotFound,
  ObjectNotUpdated,
  ObjectStoreException,
  ObjectStoreWrongType,
  PlanRefused,
  QueueUnavailable,
  ReloadConflict,
  RunNotFound,
  RunPartFailed,
  SyncAborted,
  SyncHookError,
  SyncInProgress,
  SyncRefused,
  TooManyDeletes,
  ValueError,
  type BackendErrorCode,
  type CopyErrorCode,
  type CrudErrorCode,
  type DiffErrorCode,
  type DiffSyncErrorBase,
  type DiffSyncErrorClass,
  type DiffSyncErrorCode,
  type DiffSyncErrorOptions,
  type LeaseHolder,
  type ModelIssue,
  type ObjectStoreExceptionOptions,
  type OfCode,
  type PlanRefusedCode,
  type StoreErrorCode,
  type SyncLocation,
  type SyncRefusedCode,
} from './errors.js';
export { DiffSyncFlags, DiffSyncModelFlags, DiffSyncStatus, type DiffSyncAction } from './flags.js';
export { DiffSyncStoreHealthIndicator, type StoreHealth, type StoreHealthOptions } from './module/store.health.js';
export type { TraceContext } from './logging/channels.js';
export type { DiffSyncLogger, LogParams, Verbosity } from './logging/logger.js';
export { enableConsoleLogging } from './logging/nest-logger.js';
export {
  DiffSyncModel,
  type BulkContext,
  type BulkHooks,
  type BulkResult,
  type CreateContext,
  type CreateHook,
  type CreateItem,
  type DefinedHooks,
  type DefinedInstance,
  type DefinedModel,
  type DefinitionOf,
  type DeleteItem,
  type Dict,
  type HookContext,
  type HookInput,
  type HostOf,
  type ModelHost,
  type OfAdapter,
  type UpdateItem,
  type VariantOptions,
} from './model/diffsync-model.js';
export type {
  CheckedAttribute,
  CheckedAttributes,
  CheckedChild,
  CheckedChildren,
  CheckedIdentifier,
  CheckedIdentifiers,
  CheckedSchema,
  Comparisons,
  EveryKey,
  FieldOf,
  FieldsOf,
  Flat,
  Identity,
  IdentityFieldOf,
  InputOf,
  KnownNames,
  ListFieldOf,
  ListOf,
  Merged,
  ModelSchema,
  NamesIn,
  OneObject,
  OneOf,
  OutputOf,
  Refused,
  ReservedField,
  SomeFieldsOf,
  Sparse,
  Unstorable,
  ValueAt,
} from './model/declared-fields.js';
export type { ModelTypes, NamedModel } from './model/model-types.js';
export type { ModelClass } from './model/model-class.js';
export type { AttributeComparison, DefineOptions, ModelDefinition } from './model/model-definition.js';
export { decodeRecord, encodeRecord, recordFromJson, recordToJson } from './record/record-codec.js';
export type { ModelRecord } from './record/model-record.js';
export {
  diffSyncStoreConfig,
  type DiffSyncStoreConfig,
  type DiffSyncStoreConfigs,
} from './module/diffsync-store.config.js';
export {
  DiffSyncStoreModule,
  type DiffSyncStoreAsyncExtras,
  type DiffSyncStoreAsyncOptions,
  type DiffSyncStoreExtras,
  type Injected,
  type Injections,
} from './module/diffsync-store.module.js';
export type {
  BuiltInEngineOptions,
  ClassEngineOptions,
  CustomEngineOptions,
  DiffSyncStoreOptions,
  DiffSyncStoreOptionsFactory,
  FactoryOptions,
  FeatureStore,
  InstanceEngineOptions,
  LocalEngineOptions,
  OmitOf,
  OwnOptions,
  RedisEngineOptions,
  SharedOptions,
  SqliteEngineOptions,
  StoreClass,
} from './module/diffsync-store.options.js';
export { getStoreToken, InjectStore, STORE } from './module/diffsync-store.tokens.js';
export { DiffSyncStoreRegistry, type OpenStoreOptions, type RegisteredStore } from './module/store-registry.js';
export type { GuardCode, GuardFinding, GuardLimits, Guards } from './runs/guards.js';
export type { ChangeFilter, ListRunsOptions, Retention, RunHistory, RunPage } from './runs/history-types.js';
export type {
  ApplyRunOptions,
  ApproveRunOptions,
  ExclusiveOptions,
  RunOptions,
  RunProgressCallback,
  PerformPartOptions,
  SyncRunOptions,
  UndoRunOptions,
} from './runs/run-options.js';
export type {
  FoundInPart,
  PartContext,
  PartFunction,
  PartOptions,
  RunPart,
  RunPartResult,
  RunParts,
} from './runs/run-parts.js';
export type { NamedObjects } from './runs/check-guards.js';
export type { RunLoad } from './runs/run-load.js';
export { phaseChannel, runChannel, type PhaseTrace, type RunTrace } from './runs/run-trace.js';
export { SyncRunner, type SyncRunnerOptions } from './runs/sync-runner.js';
export type {
  ChangeResult,
  DeletedRecord,
  FlappingAttribute,
  IncompleteModel,
  ModelTally,
  PhaseTime,
  RunApproval,
  RunChange,
  RunError,
  RunKind,
  RunOutcome,
  RunPhase,
  RunResults,
  PartOfRun,
  SyncRun,
  Unrestored,
} from './runs/sync-run.js';
export { BaseStore } from './store/base-store.js';
export type { ChangesSince } from './store/change-log.js';
export type { UidPage } from './store/uid-page.js';
export type {
  BackendHealth,
  ClusterHealth,
  DiskHealth,
  HealthOptions,
  MemoryHealth,
  ReplicaHealth,
  StoreDetails,
} from './store/store-health.js';
export type { StoreLifecycle } from './store/store-lifecycle.js';
export type { BaseStoreOptions } from './store/store-options.js';
export { storeChannel, type StoreTrace } from './store/store-trace.js';
export type { AcquireLeaseOptions, Lease } from './store/lease.js';
export type { LeaseAnswer, LeaseRequest, LeaseTable } from './store/lease-table.js';
export type { OperationOptions } from './store/operation-context.js';
export {
  copyStore,
  type CopiedModel,
  type CopyProgressCallback,
  type CopyResult,
  type CopyStoreOptions,
} from './store/copy-store.js';
export type { StoreProblem, StoreProblemKind, StoreReport } from './store/verify-report.js';
export type {
  AttrsOf,
  AttrsToMake,
  AttrsToSet,
  ClassOrObject,
  FieldsToSet,
  IdentifierOf,
  IdentifiersOf,
  InstanceOf,
  ModelRef,
  ObjectOf,
  OmitEach,
  TypesOf,
} from './store/model-ref.js';
export { SerialStore } from './store/serial-store.js';
export type {
  InsertConflict,
  ModelChanges,
  RecordChange,
  StoreBackend,
  StoreCapabilities,
  VerifyRecordsOptions,
} from './store/store-backend.js';
export { LocalStore } from './store/local/local.store.js';
