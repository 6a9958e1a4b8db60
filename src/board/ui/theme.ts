import { useEffect, useState } from 'preact/hooks';

/** As the system has it, or what the reader has chosen. */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'nestjs-diffsync.board.theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

/** The choice is kept in the browser alone. Where it may not keep anything the choice lasts as long as the page. */
export function useTheme(): readonly [theme: Theme, choose: (theme: Theme) => void] {
  const [theme, setTheme] = useState(readTheme);
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  return [
    theme,
    (chosen) => {
      setTheme(chosen);
      try {
        localStorage.setItem(KEY, chosen);
      } catch {
        // Storage is switched off: there is nothing to keep the choice in.
      }
    },
  ];
}

function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === kept) ?? 'system';
  } catch {
    return 'system';
  }
}
