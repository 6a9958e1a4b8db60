import type { JSX } from 'preact';
import type { StoreView } from '../../board-api.js';
import { get } from '../api.js';
import * as addresses from '../addresses.js';
import { bytes, count, counted } from '../format.js';
import { HealthBadge } from '../parts/badge.js';
import { Answered, Facts, Panel, Screen } from '../parts/screen.js';
import { TableFrame } from '../parts/table-frame.js';
import { Text } from '../parts/text.js';
import { useAnswer } from '../use-answer.js';
import { LastChange, sizeText } from './stores.js';

/** One store: where it is, how it is, what is in it. */
export function Store({ name }: { readonly name: string }): JSX.Element {
  const answer = useAnswer<StoreView>(name, (signal) => get('store', { store: name }, signal));
  return (
    <Screen
      title={answer.value?.title ?? (name || 'Store')}
      above={[{ title: 'Stores', href: addresses.stores() }]}
      actions={
        <div class="actions">
          <button type="button" onClick={answer.reload}>
            Ask again
          </button>
        </div>
      }
    >
      <Answered answer={answer}>
        {(store) => (
          <div class="grid">
            <About store={store} />
            <Health store={store} />
            <Models store={store} />
          </div>
        )}
      </Answered>
    </Screen>
  );
}

function About({ store }: { readonly store: StoreView }): JSX.Element {
  return (
    <Panel title="About">
      <Facts
        of={[
          ['Engine', <Text of={store.engine} />],
          ['Store id', store.storeId !== null && <Text of={store.storeId} />],
          ['Address', store.address !== null && <Text of={store.address} />],
          ['Adapters', store.adapters.length > 0 ? <Text of={store.adapters.join(', ')} /> : 'none'],
          ['Size', store.size === null ? 'not known' : sizeText(store.size)],
          ['Last change by a run', <LastChange store={store} />],
        ]}
      />
    </Panel>
  );
}

function Health({ store: { health } }: { readonly store: StoreView }): JSX.Element {
  const said = health.message ?? health.reason;
  return (
    <Panel title="Health" aside={<HealthBadge of={health.status} />}>
      {said !== undefined && (
        <div class={`notice notice-${health.status === 'down' ? 'bad' : 'warn'}`}>
          <p>
            <Text of={said} />
          </p>
          {health.code !== undefined && <code class="muted">{health.code}</code>}
        </div>
      )}
      <Facts of={[['Response time', `${health.responseTime} ms`], ...detailsOf(health.details)]} />
    </Panel>
  );
}

/** What a backend tells of itself, with names that people read: `memory.usedBytes` is `Memory, used`. */
function detailsOf(details: object, above: readonly string[] = []): (readonly [string, JSX.Element])[] {
  return Object.entries(details).flatMap(([name, value]: [string, unknown]) => {
    const [, bare = '', unit] = /^(.+?)(Ms|Bytes)?$/.exec(name) ?? [];
    const words = [...above, bare.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)];
    if (value === null || value === undefined) return [];
    if (typeof value === 'object' && !Array.isArray(value)) return detailsOf(value, words);
    const title = words.join(', ');
    return [[`${title.slice(0, 1).toUpperCase()}${title.slice(1)}`, <Text of={detailText(value, unit)} />] as const];
  });
}

function detailText(value: unknown, unit: string | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return JSON.stringify(value);
  if (unit === 'Bytes') return bytes(value);
  return unit === 'Ms' ? `${count(value)} ms` : count(value);
}

function Models({ store }: { readonly store: StoreView }): JSX.Element {
  return (
    <Panel
      title="Models"
      aside={store.objects !== null && <span class="muted">{counted(store.objects, 'object')}</span>}
    >
      {store.models === null ? (
        <p class="empty">The store cannot be asked now.</p>
      ) : store.models.length === 0 ? (
        <p class="empty">It holds no objects.</p>
      ) : (
        <TableFrame>
          <table>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col" class="number">
                  Objects
                </th>
              </tr>
            </thead>
            <tbody>
              {store.models.map(({ model, count: objects }) => (
                <tr key={model}>
                  <th scope="row">
                    <a href={addresses.model(store.store, model)}>
                      <Text of={model} />
                    </a>
                  </th>
                  <td class="number">{count(objects)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </Panel>
  );
}
