import type { JSX } from 'preact';
import type { BoardInfo } from '../board-api.js';
import { get } from './api.js';
import * as addresses from './addresses.js';
import { BoardContext } from './board.js';
import { useAddress, type Address } from './location.js';
import { Announcer } from './parts/announcer.js';
import { Answered, Screen } from './parts/screen.js';
import { Changes } from './screens/changes.js';
import { Decide } from './screens/decide.js';
import { DecideOn } from './screens/decide-on.js';
import { Model } from './screens/model.js';
import { ObjectScreen } from './screens/object.js';
import { Run } from './screens/run.js';
import { Runs } from './screens/runs.js';
import { Store } from './screens/store.js';
import { Stores } from './screens/stores.js';
import { useTheme, type Theme } from './theme.js';
import { useAnswer } from './use-answer.js';

const SECTIONS = [
  { name: 'stores', title: 'Stores', href: addresses.stores() },
  { name: 'runs', title: 'Runs', href: addresses.runs() },
  { name: 'decide', title: 'Decide', href: addresses.decide() },
];

/** The whole page: its frame, and the screen of the address. */
export function App(): JSX.Element {
  const address = useAddress();
  const board = useAnswer<BoardInfo>('board', (signal) => get('board', {}, signal));
  const section = address.path[0] ?? 'stores';
  return (
    <>
      <button type="button" class="skip" onClick={() => document.querySelector<HTMLElement>('main')?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <div>
          <a class="brand" href={addresses.stores()}>
            DiffSync board
          </a>
          <nav aria-label="Screens">
            {SECTIONS.map(({ name, title, href }) =>
              name === 'decide' && board.value?.readOnly === true ? null : (
                <a key={name} href={href} aria-current={section === name ? 'page' : undefined}>
                  {title}
                </a>
              ),
            )}
          </nav>
          <ThemeChoice />
        </div>
      </header>
      <main tabIndex={-1}>
        <Answered answer={board}>
          {(info) => <BoardContext.Provider value={info}>{screenOf(address)}</BoardContext.Provider>}
        </Answered>
      </main>
      <Announcer />
    </>
  );
}

/** The keys make another object's or run's screen a new one, with nothing left of the one before. */
function screenOf({ path, query }: Address): JSX.Element {
  const [section = 'stores', first, second, third, ...rest] = path;
  const key = path.join('/');
  if (rest.length > 0) return <Missing key={key} />;
  if (section === 'stores') {
    if (first === undefined) return <Stores key={key} />;
    if (second === undefined) return <Store key={key} name={first} />;
    if (third === undefined) return <Model key={key} store={first} model={second} query={query} />;
    return <ObjectScreen key={key} store={first} model={second} uid={third} />;
  }
  if (section === 'runs') {
    if (first === undefined) return <Runs key={key} query={query} />;
    if (second !== undefined && third === undefined) return <Run key={key} target={first} id={second} />;
    if (second !== undefined && third === 'changes')
      return <Changes key={key} target={first} id={second} query={query} />;
  }
  if (section === 'decide') {
    if (first === undefined) return <Decide key={`${key}?${query.toString()}`} query={query} />;
    if (second !== undefined && third === undefined) return <DecideOn key={key} target={first} id={second} />;
  }
  return <Missing key={key} />;
}

function Missing(): JSX.Element {
  return (
    <Screen title="There is no such screen">
      <p>
        Begin with the <a href={addresses.stores()}>stores</a> or the <a href={addresses.runs()}>runs</a>.
      </p>
    </Screen>
  );
}

const THEMES: Readonly<Record<Theme, string>> = { system: 'as the system', light: 'light', dark: 'dark' };

function ThemeChoice(): JSX.Element {
  const [theme, choose] = useTheme();
  return (
    <div class="theme">
      <label class="inline">
        <span class="word">Colours</span>
        <select aria-label="Colours" value={theme} onChange={(event) => choose(event.currentTarget.value as Theme)}>
          {Object.entries(THEMES).map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
