// The list of conversions. A row is made once and then only changed, so that neither the focus nor a playing
// MP3 is lost when news comes.

import * as api from './api'
import { confirmed } from './confirm'
import type { Conversion, Page } from './api'
import { announce, byId, find, fromTemplate, message, setText } from './dom'
import * as player from './player'
import { account, SessionEnded } from './session'
import * as uploads from './uploads'
import type { Change } from './watch'
import * as words from './words'

const pageSize = 20
const maxPage = 100 // the most that the gateway gives at once

interface Row {
  conversion: Conversion
  element: HTMLElement
}

const rows = new Map<string, Row>() // newest first
let cursor = '' // where the older ones begin
let loaded = false

export function setUp(): void {
  byId('more').addEventListener('click', () => void more())
  byId('conversions').addEventListener('click', (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>('button[data-action]')
    const row = rows.get(button?.closest<HTMLElement>('[data-id]')?.dataset.id ?? '')
    if (button && row) void act(row, button)
  })
}

export function clear(): void {
  for (const id of [...rows.keys()]) drop(id)
  cursor = ''
  loaded = false
  byId('more').hidden = true
  byId('empty').hidden = true
  byId('trouble').hidden = true
}

export function unfinished(): boolean {
  return [...rows.values()].some(({ conversion: c }) => c.status === 'queued' || c.status === 'converting')
}

let refreshing: Promise<void> | null = null
let again = false

/** Brings the newest conversions up to date. Calls that come while one is under way are done as one. */
export function refresh(): Promise<void> {
  if (refreshing) {
    again = true
    return refreshing
  }
  refreshing = (async () => {
    do {
      again = false
      await load()
    } while (again)
  })().finally(() => (refreshing = null))
  return refreshing
}

async function load(): Promise<void> {
  const owner = account()
  const limit = Math.min(Math.max(rows.size, pageSize), maxPage)
  const page = await attempt(() => api.list(limit, '', true))
  if (!page || owner !== account()) return
  const known = new Set(page.conversions.map((c) => c.id))
  const oldest = page.next_cursor ? page.conversions.at(-1) : undefined
  for (const { conversion } of [...rows.values()]) {
    if (!known.has(conversion.id) && (!oldest || compare(conversion, oldest) > 0)) drop(conversion.id)
  }
  for (const conversion of page.conversions) put(conversion)
  if (!loaded || rows.size <= limit) cursor = page.next_cursor ?? ''
  loaded = true
  arrange()
}

async function more(): Promise<void> {
  const page = await attempt(() => api.list(pageSize, cursor)).catch(() => null)
  if (!page) return
  for (const conversion of page.conversions) put(conversion)
  cursor = page.next_cursor ?? ''
  arrange()
  const first = page.conversions[0]
  if (first) find<HTMLElement>(rows.get(first.id)!.element, 'button:not([hidden])')?.focus()
}

/** A page, or null and the reason on the page. That the session has ended is for the caller to handle. */
async function attempt(get: () => Promise<Page>): Promise<Page | null> {
  const trouble = byId('trouble')
  try {
    const page = await get()
    trouble.hidden = true
    return page
  } catch (error) {
    if (error instanceof SessionEnded) throw error
    setText(trouble, message(error))
    trouble.hidden = false
    return null
  }
}

/** Shows a conversion that was just made or changed here. */
export function show(conversion: Conversion): void {
  put(conversion)
  arrange()
  settle()
}

/** Looks again after a change that a list which was under way may not know of. */
function settle(): void {
  refresh().catch(() => {}) // the watcher tells of an ended session
}

export function progress(change: Change): void {
  const row = rows.get(change.id)
  if (!row) return
  row.conversion.progress = change.progress
  fill(row)
}

function put(conversion: Conversion): void {
  const row = rows.get(conversion.id)
  if (!row) {
    const fresh = { conversion, element: fromTemplate('row') }
    fresh.element.dataset.id = conversion.id
    rows.set(conversion.id, fresh)
    fill(fresh)
    return
  }
  const before = row.conversion.status
  row.conversion = conversion
  fill(row)
  if (before !== conversion.status) announce(news(conversion))
}

function news(c: Conversion): string {
  const reason = c.status === 'failed' && c.error ? ` ${c.error.title}.` : ''
  return `${c.video.name}: ${words.status(c)}.${reason}`
}

/** Puts rows into their order, moving none that stands where it should. */
function arrange(): void {
  const list = byId('conversions')
  const sorted = [...rows.values()].sort((a, b) => compare(b.conversion, a.conversion))
  sorted.forEach(({ element }, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null)
  })
  byId('more').hidden = cursor === ''
  showEmpty()
}

function compare(a: Conversion, b: Conversion): number {
  return Date.parse(a.created_at) - Date.parse(b.created_at) || (a.id < b.id ? -1 : 1)
}

export function showEmpty(): void {
  byId('empty').hidden = !loaded || rows.size + uploads.count() > 0
}

function drop(id: string): void {
  const row = rows.get(id)
  if (!row) return
  const focused = row.element.contains(document.activeElement)
  const neighbour = row.element.nextElementSibling ?? row.element.previousElementSibling
  player.stop(row.element)
  row.element.remove()
  rows.delete(id)
  if (focused) (neighbour?.querySelector<HTMLElement>('button:not([hidden])') ?? byId('list-title')).focus()
}

function fill({ conversion: c, element }: Row): void {
  element.dataset.status = c.status
  setText(find(element, '.name'), c.video.name)
  setText(find(element, '.status'), words.status(c))
  setText(find(element, '.meta'), words.facts(c))

  const bar = find<HTMLProgressElement>(element, 'progress')
  bar.hidden = c.status !== 'queued' && c.status !== 'converting'
  bar.setAttribute('aria-label', `Conversion of ${c.video.name}`)
  if (c.status === 'converting') bar.value = c.progress
  else bar.removeAttribute('value')

  const reason = find<HTMLElement>(element, '.reason')
  reason.hidden = !c.error
  setText(find(reason, 'strong'), c.error ? `${c.error.title}.` : '')
  setText(find(reason, 'span'), c.error?.detail ?? '')
  fillWarnings(find(element, '.warnings'), c.mp3?.warnings ?? [])
  fillButtons(element, c)
}

function fillWarnings(list: HTMLElement, warnings: string[]): void {
  list.hidden = warnings.length === 0
  const now = [...list.children].map((item) => item.textContent)
  if (now.join('\n') === warnings.join('\n')) return
  list.replaceChildren(
    ...warnings.map((text) => {
      const item = document.createElement('li')
      item.textContent = text
      return item
    }),
  )
}

const allowed: Record<api.Status, string[]> = {
  queued: ['cancel', 'delete'],
  converting: ['cancel', 'delete'],
  completed: ['play', 'download', 'delete'],
  failed: ['retry', 'delete'],
  canceled: ['retry', 'delete'],
}

function fillButtons(element: HTMLElement, c: Conversion): void {
  const focused = document.activeElement as HTMLElement | null
  for (const button of element.querySelectorAll<HTMLButtonElement>('[data-action]')) {
    const action = button.dataset.action!
    button.hidden = !allowed[c.status].includes(action)
    button.setAttribute('aria-label', `${button.textContent} ${c.video.name}`)
  }
  // A button that goes away under somebody's finger leaves the focus to the next one.
  if (focused?.hidden && element.contains(focused)) find<HTMLElement>(element, 'button:not([hidden])')?.focus()
}

async function act(row: Row, button: HTMLButtonElement): Promise<void> {
  if (button.getAttribute('aria-busy') === 'true') return
  const error = find(row.element, ':scope > .error')
  error.textContent = ''
  button.setAttribute('aria-busy', 'true')
  try {
    await actions[button.dataset.action!]!(row)
  } catch (failure) {
    error.textContent = message(failure)
  } finally {
    button.removeAttribute('aria-busy')
  }
}

const actions: Record<string, (row: Row) => Promise<void>> = {
  async play({ conversion, element }) {
    await player.play(element, conversion)
  },
  async download({ conversion }) {
    const anchor = document.createElement('a')
    anchor.href = await api.link(conversion.id)
    anchor.download = '' // the answer names the file
    anchor.click()
  },
  async retry({ conversion }) {
    show(await api.retry(conversion.id))
  },
  async cancel({ conversion }) {
    show(await api.cancel(conversion.id))
  },
  async delete({ conversion }) {
    if (!(await confirmed('Delete this conversion?', `${conversion.video.name} and its MP3 are removed for good.`, 'Delete'))) return
    await api.remove(conversion.id)
    drop(conversion.id)
    announce(`${conversion.video.name} is deleted.`)
    arrange()
    settle()
  },
}
