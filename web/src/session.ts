// The session with the gateway. Each refresh token is good once, so tabs share a session only where they can take turns.

import * as refresh from './refresh'
import { Failed, send } from './request'
import { alone, storage } from './tabs'

/** The session has ended and nobody was there to renew it. */
export class SessionEnded extends Error {
  constructor() {
    super('Your session has ended. Please log in again.')
  }
}

interface Session {
  email: string
  token: string
  expires: number // of the token, in milliseconds since 1970
}

const place = 'unreel.session'
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
  const response = await send('POST', '/v1/sessions', {}, { email, password })
  await alone(async () => keep(email.trim(), await granted(email.trim(), response)))
}

interface Tokens {
  access_token: string
  expires_in: number
  refresh_token?: string // missing while the service is upgraded from a version without it
}

/** Reads an answer with tokens, and keeps the refresh token. */
async function granted(email: string, response: Response): Promise<Tokens> {
  const tokens: Tokens = await response.json()
  if (tokens.refresh_token) await refresh.write({ email, token: tokens.refresh_token })
  else await refresh.take()
  return tokens
}

function keep(email: string, tokens: Tokens): void {
  // A little early, so that a token does not expire on its way.
  const expires = Date.now() + Math.max(tokens.expires_in - 10, 1) * 1000
  session = { email, token: tokens.access_token, expires }
  store()
}

function store(): void {
  storage.setItem(place, JSON.stringify(session))
}

/** Has the session go by the account's new address. */
export async function rename(email: string): Promise<void> {
  await alone(async () => {
    const last = await refresh.read()
    if (!session || session.email === email) return
    if (last?.email === session.email) await refresh.write({ ...last, email })
    session.email = email
    store()
  })
}

/** Forgets the session here at once, and has the gateway end it if that can be reached. */
export function logOut(): void {
  session = null
  storage.removeItem(place)
  void end().catch(() => {})
}

/** Ends the session by its last refresh token, which may be on its way just now. */
async function end(): Promise<void> {
  const last = await alone(refresh.take)
  if (last) await send('DELETE', '/v1/sessions', {}, { refresh_token: last.token })
}

let turning: Promise<boolean> | null = null

/** Gets the next tokens, if the session goes on. However many requests wait, it is asked once. */
function goOn(): Promise<boolean> {
  turning ??= alone(turn).finally(() => (turning = null))
  return turning
}

/** Takes this tab's turn. Should the page be closed before the answer comes, nobody has the next tokens, and one logs in again. */
async function turn(): Promise<boolean> {
  const stored = restore()
  if (stored && stored.email === session?.email) session = stored // another tab may have been first
  if (session && session.expires > Date.now()) return true
  const last = await refresh.read()
  if (!last || last.email !== session?.email) return false
  try {
    const response = await send('POST', '/v1/sessions/refresh', {}, { refresh_token: last.token })
    const tokens = await granted(last.email, response)
    if (account() === last.email) keep(last.email, tokens) // else logged out meanwhile
    return session !== null
  } catch (error) {
    if (!(error instanceof Failed) || error.status !== 401) throw error
    await refresh.take()
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
