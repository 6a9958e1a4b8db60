import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

type Listener = (text: string) => void;

const listeners = new Set<Listener>();

/** Has a screen reader say a text once it is quiet. */
export function announce(text: string): void {
  for (const listener of listeners) listener(text);
}

/** The live region of the page. There is one, and it is there before anything is said. */
export function Announcer(): JSX.Element {
  const [text, setText] = useState('');
  useEffect(() => {
    listeners.add(setText);
    return () => {
      listeners.delete(setText);
    };
  }, []);
  return (
    <div role="status" aria-live="polite" class="visually-hidden" data-announcer>
      {text}
    </div>
  );
}
