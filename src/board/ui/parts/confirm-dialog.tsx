import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api.js';
import { Refused } from './screen.js';

interface ConfirmDialogProps {
  readonly title: string;
  /** What the button says that does it. */
  readonly action: string;
  readonly danger?: boolean;
  /** Does it. An error stays in the dialog. */
  readonly confirm: () => Promise<void>;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/** Asks before something is changed. While it is open it has the focus, Escape closes it, and what had the focus gets it back. */
export function ConfirmDialog({ title, action, danger, confirm, close, children }: ConfirmDialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await confirm();
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      setError(reason);
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={close}>
      <form method="dialog" onSubmit={(event) => void submit(event)}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        {error !== undefined && <Refused error={error} />}
        <div class="actions">
          <button type="button" autofocus onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class={danger === true ? 'danger' : 'primary'} aria-disabled={busy}>
            {busy ? 'Please wait…' : action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
