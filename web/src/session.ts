// The session with the gateway. Each refresh token is good once, so tabs share a session only where they can take turns.

import { Failed, send } from './request'

/** The session has ended and nobody was there to renew it. */
export class SessionEnded extends Error {
  constructor() {
    super('Your session has ended. Please log in again.')
  }
}

interface Session {
  email: string
  token: string
  refresh?: string // good once, for the tokens that come next; none if that was refused
  expires: number // of the token, in milliseconds since 1970
}

const place = 'unreel.session'
/** What tabs take turns by. Browsers have it only for pages that came encrypted or from this machine. */
const locks: LockManager | undefined = navigator.locks
/** One session for all tabs, or, where they cannot take turns, one for each. */
const storage = locks ? localStorage : sessionStorage
let session = restore()
let renew: () => Promise<void> = () => Promise.reject(new SessionEnded())

function restore(): Session | null {
  try {
    return JSON.parse(storage.getItem(place) ?? 'null')
  } catch {
    return null
  }
}

/** Whose session it is, even when its token has expired; null if nobody has logged in. */
export function account(): string | null {
  return session?.email ?? null
}

/** Says how to get the person to log in again; the promise rejects if they would rather not. */
export function onExpired(ask: () => Promise<void>): void {
  renew = ask
}

/** Says what to do when another tab has logged in or out. */
export function onElsewhere(changed: () => void): void {
  addEventListener('storage', (event) => {
    if (event.key !== place && event.key !== null) return // null: all is gone
    const before = account()
    session = restore()
    if (account() !== before) changed()
  })
}

export async function signUp(email: string, password: string): Promise<void> {
  await send('POST', '/v1/users', {}, { email, password })
}

export async function logIn(email: string, password: string): Promise<void> {
  await keep(email.trim(), await send('POST', '/v1/sessions', {}, { email, password }))
}

async function keep(email: string, response: Response): Promise<void> {
  const answer: { access_token: string; expires_in: number; refresh_token?: string } = await response.json()
  // A little early, so that a token does not expire on its way.
  const expires = Date.now() + Math.max(answer.expires_in - 10, 1) * 1000
  session = { email, token: answer.access_token, refresh: answer.refresh_token, expires }
  store()
}

function store(): void {
  storage.setItem(place, JSON.stringify(session))
}

/** Forgets the session here at once, and has the gateway end it if that can be reached. */
export function logOut(): void {
  const refresh = session?.refresh
  session = null
  storage.removeItem(place)
  if (refresh) void send('DELETE', '/v1/sessions', {}, { refresh_token: refresh }).catch(() => {})
}

let turning: Promise<boolean> | null = null

/** Gets the next tokens, if the session goes on. However many requests wait, it is asked once. */
function goOn(): Promise<boolean> {
  turning ??= alone(turn).finally(() => (turning = null))
  return turning
}

/** Does something while no other tab does that has the same session. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  return locks ? locks.request(place, work) : work()
}

async function turn(): Promise<boolean> {
  const stored = restore()
  if (stored && stored.email === session?.email) session = stored // another tab may have been first
  if (session && session.expires > Date.now()) return true
  const before = session
  if (!before?.refresh) return false
  try {
    const response = await send('POST', '/v1/sessions/refresh', {}, { refresh_token: before.refresh })
    // Logged out, or in as somebody else, meanwhile. Not by identity: what another tab stores comes as a new object.
    if (session?.token !== before.token) return session !== null
    await keep(before.email, response)
    return true
  } catch (error) {
    if (!(error instanceof Failed) || error.status !== 401) throw error
    if (session?.token === before.token) {
      delete session.refresh
      store()
    }
    return false
  }
}

/** Tells that the gateway has refused a token, unless there is a newer one by now. */
export function expire(token: string): void {
  if (session?.token !== token) return
  session.expires = 0
  if (restore()?.token === token) store()
}

let asking: Promise<void> | null = null

/** A token that is still good. If the session has ended, a request in the background does not ask the person to log in, but rejects. */
export async function authorize(background = false): Promise<string> {
  while (!session || session.expires <= Date.now()) {
    if (await goOn()) continue
    if (background) throw new SessionEnded()
    // However many requests wait, they are asked once.
    asking ??= renew().finally(() => (asking = null))
    await asking
  }
  return session.token
}
