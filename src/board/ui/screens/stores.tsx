import type { JSX } from 'preact';
import type { StoreList, StoreSize, StoreView } from '../../board-api.js';
import { get } from '../api.js';
import * as addresses from '../addresses.js';
import { bytes, count, time } from '../format.js';
import { HealthBadge } from '../parts/badge.js';
import { Answered, Screen } from '../parts/screen.js';
import { TableFrame } from '../parts/table-frame.js';
import { Text } from '../parts/text.js';
import { useAnswer } from '../use-answer.js';

/** All stores of the application. */
export function Stores(): JSX.Element {
  const answer = useAnswer<StoreList>('stores', (signal) => get('stores', {}, signal));
  return (
    <Screen
      title="Stores"
      actions={
        <div class="actions">
          <button type="button" onClick={answer.reload}>
            Ask again
          </button>
        </div>
      }
    >
      <Answered answer={answer}>
        {({ stores }) =>
          stores.length === 0 ? (
            <p class="empty">This application has no store that is registered with DiffSyncStoreModule.</p>
          ) : (
            <section class="panel" aria-label="All stores">
              <TableFrame busy={answer.busy}>
                <table class="stacks">
                  <thead>
                    <tr>
                      <th scope="col">Store</th>
                      <th scope="col">Engine</th>
                      <th scope="col">Health</th>
                      <th scope="col" class="number">
                        Objects
                      </th>
                      <th scope="col" class="number">
                        Size
                      </th>
                      <th scope="col">Adapters</th>
                      <th scope="col">Last change by a run</th>
                    </tr>
                  </thead>
                  <tbody>
                    {stores.map((store) => (
                      <StoreRow key={store.store} store={store} />
                    ))}
                  </tbody>
                </table>
              </TableFrame>
            </section>
          )
        }
      </Answered>
    </Screen>
  );
}

function StoreRow({ store }: { readonly store: StoreView }): JSX.Element {
  return (
    <tr>
      <th scope="row">
        <a href={addresses.store(store.store)}>
          <Text of={store.title} />
        </a>
      </th>
      <td data-label="Engine">
        <Text of={store.engine} />
      </td>
      <td data-label="Health">
        <HealthBadge of={store.health.status} />
      </td>
      <td data-label="Objects" class="number">
        {store.objects === null ? <span class="muted">not known</span> : count(store.objects)}
      </td>
      <td data-label="Size" class="number">
        {store.size === null ? <span class="muted">not known</span> : sizeText(store.size)}
      </td>
      <td data-label="Adapters">
        {store.adapters.length === 0 ? <span class="muted">none</span> : <Text of={store.adapters.join(', ')} />}
      </td>
      <td data-label="Last change">
        <LastChange store={store} />
      </td>
    </tr>
  );
}

/** What a store's backend uses; a server's memory is that of all who use it. */
export function sizeText({ bytes: size, of }: StoreSize): string {
  return `${bytes(size)} (${of === 'server' ? 'whole server' : 'file'})`;
}

export function LastChange({ store }: { readonly store: StoreView }): JSX.Element {
  if (store.lastChange === null) return <span class="muted">none of the last runs</span>;
  return <a href={addresses.run(store.lastChange.target, store.lastChange.run)}>{time(store.lastChange.at)}</a>;
}
