// What the page says to the gateway. The routes and their bodies are those of openapi.yaml.

import { Failed, send } from './request'
import { authorize, expire } from './session'

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

export interface Call {
  body?: unknown
  headers?: Record<string, string>
  background?: boolean
  signal?: AbortSignal
}

/** One request with the session's token; it asks to log in again, and then goes on, if that has expired. */
export async function call(method: string, path: string, options: Call = {}): Promise<Response> {
  for (;;) {
    const token = await authorize(options.background)
    try {
      return await send(method, path, { ...options.headers, Authorization: 'Bearer ' + token }, options.body, options.signal)
    } catch (error) {
      if (!(error instanceof Failed) || error.status !== 401) throw error
      expire(token)
    }
  }
}

export async function list(limit: number, cursor = '', background = false): Promise<Page> {
  const query = new URLSearchParams({ limit: String(limit) })
  if (cursor) query.set('cursor', cursor)
  return (await call('GET', `/v1/conversions?${query}`, { background })).json()
}

export async function get(id: string, signal?: AbortSignal): Promise<Conversion> {
  return (await call('GET', `/v1/conversions/${id}`, { signal })).json()
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

export interface Account {
  email: string
  usage: { conversions: Record<Status, number>; bytes: number }
  limits: { upload_bytes: number; duration: number; retention: number | null }
}

export async function me(): Promise<Account> {
  return (await call('GET', '/v1/me')).json()
}

export async function changeMe(change: { email?: string; password?: string; current_password: string }): Promise<Account> {
  return (await call('PATCH', '/v1/me', { body: change })).json()
}

export async function deleteMe(): Promise<void> {
  await call('DELETE', '/v1/me')
}

export interface Key {
  id: string
  name: string
  hint: string
  created_at: string
  last_used_at: string | null
}

export async function keys(): Promise<Key[]> {
  const list: { api_keys: Key[] } = await (await call('GET', '/v1/api-keys')).json()
  return list.api_keys
}

export async function addKey(name: string): Promise<Key & { key: string }> {
  return (await call('POST', '/v1/api-keys', { body: { name } })).json()
}

export async function removeKey(id: string): Promise<void> {
  await call('DELETE', `/v1/api-keys/${id}`)
}

export async function forgetPassword(email: string): Promise<void> {
  await send('POST', '/v1/password-resets', {}, { email })
}

export async function resetPassword(token: string, password: string): Promise<void> {
  await send('POST', `/v1/password-resets/${token}`, {}, { password })
}

export async function verifyAddress(token: string): Promise<void> {
  await send('POST', `/v1/verifications/${token}`, {})
}
