/** Which sides a run loads first: a store that has objects is reloaded. */
export type RunLoad = 'both' | 'source' | 'target' | 'none';
