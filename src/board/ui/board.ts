import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { AdapterInfo, BoardInfo } from '../board-api.js';

/** What the board knows of the application; the same on every screen. */
export const BoardContext = createContext<BoardInfo>({ readOnly: true, adapters: [] });

export function useBoard(): BoardInfo {
  return useContext(BoardContext);
}

/** The adapter of a name. Undefined for one that the application has no longer. */
export function useAdapter(name: string): AdapterInfo | undefined {
  return useBoard().adapters.find((adapter) => adapter.name === name);
}
