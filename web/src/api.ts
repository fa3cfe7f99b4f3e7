// What the page says to the gateway. The routes and their bodies are those of openapi.yaml.

export type Status = 'queued' | 'converting' | 'completed' | 'failed' | 'canceled'

export interface Conversion {
  id: string
  status: Status
  progress: number
  video: { name: string; size: number; duration?: number; codec?: string }
  mp3: null | {
    size: number
    duration: number
    bitrate: number
    channels: number
    copied: boolean
    warnings?: string[]
  }
  error: null | { type: string; title: string; detail: string }
  queue_position?: number
  attempts: number
  created_at: string
  expires_at: string | null
}

export interface Page {
  conversions: Conversion[]
  next_cursor?: string
}

/** An answer, or the lack of one, in words for the person in front of the page. */
export class Failed extends Error {
  constructor(readonly status: number, message: string) {
    super(message)
  }
}

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
let session = restore()
let renew: () => Promise<void> = () => Promise.reject(new SessionEnded())

function restore(): Session | null {
  try {
    return JSON.parse(sessionStorage.getItem(place) ?? 'null')
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
  sessionStorage.setItem(place, JSON.stringify(session))
}

/** Forgets the session here at once, and has the gateway end it if that can be reached. */
export function logOut(): void {
  const refresh = session?.refresh
  session = null
  sessionStorage.removeItem(place)
  if (refresh) void send('DELETE', '/v1/sessions', {}, { refresh_token: refresh }).catch(() => {})
}

let turning: Promise<boolean> | null = null

/** Gets the next tokens, if the session goes on. However many requests wait, it is asked once: each token is good once. */
function goOn(): Promise<boolean> {
  turning ??= turn().finally(() => (turning = null))
  return turning
}

async function turn(): Promise<boolean> {
  const before = session
  if (!before?.refresh) return false
  try {
    const response = await send('POST', '/v1/sessions/refresh', {}, { refresh_token: before.refresh })
    if (session !== before) return session !== null // logged out meanwhile
    await keep(before.email, response)
    return true
  } catch (error) {
    if (!(error instanceof Failed) || error.status !== 401) throw error
    if (session === before) {
      delete before.refresh
      store()
    }
    return false
  }
}

/** Tells that the gateway has refused a token, unless there is a newer one by now. */
export function expire(token: string): void {
  if (session?.token === token) session.expires = 0
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

export interface Call {
  body?: unknown
  background?: boolean
  signal?: AbortSignal
}

/** One request with the session's token; it asks to log in again, and then goes on, if that has expired. */
export async function call(method: string, path: string, options: Call = {}): Promise<Response> {
  for (;;) {
    const token = await authorize(options.background)
    try {
      return await send(method, path, { Authorization: 'Bearer ' + token }, options.body, options.signal)
    } catch (error) {
      if (!(error instanceof Failed) || error.status !== 401) throw error
      expire(token)
    }
  }
}

async function send(method: string, path: string, headers: Record<string, string>, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = { method, headers, signal, cache: 'no-store' }
  if (body !== undefined) {
    init.headers = { ...headers, 'Content-Type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Failed(0, 'The service cannot be reached. Check your connection and try again.')
  }
  if (!response.ok) throw explain(response.status, await response.text())
  return response
}

/** Makes words of a problem document (RFC 9457), or of whatever else came instead. */
export function explain(status: number, body: string): Failed {
  try {
    const problem: { title?: string; detail?: string } = JSON.parse(body)
    const words = problem.detail || problem.title
    if (words) return new Failed(status, words)
  } catch {
    // Not from the gateway: something in between answered.
  }
  return new Failed(status, `The service answered with an error (${status}). Please try again.`)
}

export async function list(limit: number, cursor = '', background = false): Promise<Page> {
  const query = new URLSearchParams({ limit: String(limit) })
  if (cursor) query.set('cursor', cursor)
  return (await call('GET', `/v1/conversions?${query}`, { background })).json()
}

const linkLife = 6 * 3600 // in seconds: as long as somebody may listen

/** A URL that needs no token, since neither a player nor a download can send one. */
export async function link(id: string): Promise<string> {
  const response = await call('POST', `/v1/conversions/${id}/links`, { body: { expires_in: linkLife } })
  const answer: { url: string } = await response.json()
  // The service may be known by more than one name; only the page's own is allowed to be loaded from.
  const url = new URL(answer.url, location.href)
  return url.pathname + url.search
}

export async function retry(id: string): Promise<Conversion> {
  return (await call('POST', `/v1/conversions/${id}/retry`)).json()
}

export async function cancel(id: string): Promise<Conversion> {
  return (await call('POST', `/v1/conversions/${id}/cancel`)).json()
}

export async function remove(id: string): Promise<void> {
  await call('DELETE', `/v1/conversions/${id}`)
}
