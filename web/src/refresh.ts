// Where the refresh token is kept. Not in localStorage, of which each tab's process has a copy of its own: for some
// milliseconds that lacks what another tab has written, even for a tab that has got the lock after it.

import { storage, turns } from './tabs'

/** A token that is good once, for the tokens that come next, and whose it is. */
export interface Refresh {
  email: string
  token: string
}

const place = 'unreel.refresh'

/** The newest one; none if nobody has logged in, or if it was refused. */
export async function read(): Promise<Refresh | null> {
  if (!turns) return JSON.parse(storage.getItem(place) ?? 'null')
  return (await inStore('readonly', (store) => store.get(place))) ?? null
}

export async function write(refresh: Refresh): Promise<void> {
  if (!turns) return storage.setItem(place, JSON.stringify(refresh))
  await inStore('readwrite', (store) => store.put(refresh, place))
}

/** Reads it, and keeps it no longer. */
export async function take(): Promise<Refresh | null> {
  const last = await read()
  if (!turns) storage.removeItem(place)
  else await inStore('readwrite', (store) => store.delete(place))
  return last
}

/** Does one thing with the object store of the browser's database, and waits until every tab can see it. */
async function inStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  try {
    const database = await open()
    const transaction = database.transaction(place, mode)
    const request = work(transaction.objectStore(place))
    database.close() // once the transaction is done
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
    return request.result
  } catch {
    return undefined // The disk is full, or the person forbids it: they log in again when the access token has ended.
  }
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open('unreel')
  request.onupgradeneeded = () => request.result.createObjectStore(place)
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
