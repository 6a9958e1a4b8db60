import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface TableFrameProps {
  /** Whether the table is to be replaced by one that is loading. */
  readonly busy?: boolean;
  readonly children: ComponentChildren;
}

/** Lets a table that is too wide scroll by itself, and then takes the focus, so that the keys can scroll it. */
export function TableFrame({ busy, children }: TableFrameProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const { current } = frame;
    if (current === null) return undefined;
    const observer = new ResizeObserver(() => setScrolls(current.scrollWidth > current.clientWidth));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return (
    <div
      ref={frame}
      class="table-frame"
      aria-busy={busy}
      {...(scrolls ? { tabIndex: 0, role: 'group', 'aria-label': 'Table, scrolls sideways' } : {})}
    >
      {children}
    </div>
  );
}
