import { useCallback, useEffect, useState } from 'preact/hooks';
import { ApiError } from './api.js';

/** An answer that is awaited, and the one before it until then: a page does not become empty while its next one is loaded. */
export interface Answer<A> {
  readonly value: A | undefined;
  readonly error: ApiError | undefined;
  readonly busy: boolean;
  readonly reload: () => void;
}

/**
 * Asks for an answer, and again when the key changes; the question before it is ended then.
 * @param key - Names what is asked for. Undefined: nothing is.
 */
export function useAnswer<A>(key: string | undefined, ask: (signal: AbortSignal) => Promise<A>): Answer<A> {
  const [state, setState] = useState<{ value?: A; error?: ApiError; of?: string }>({});
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const asked = key === undefined ? undefined : `${key}#${round}`;
  useEffect(() => {
    if (asked === undefined) return undefined;
    const ended = new AbortController();
    ask(ended.signal).then(
      (value) => {
        if (!ended.signal.aborted) setState({ value, of: asked });
      },
      (error: unknown) => {
        if (ended.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setState({ error, of: asked });
      },
    );
    return () => ended.abort();
  }, [asked]);
  return { value: state.value, error: state.error, busy: asked !== undefined && state.of !== asked, reload };
}
