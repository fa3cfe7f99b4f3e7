// The page: upload videos, see what becomes of them, play and download the MP3s.

import * as account from './account'
import { byId } from './dom'
import * as entry from './entry'
import * as links from './links'
import * as list from './list'
import * as login from './login'
import { account as whose, authorize, logOut, onElsewhere } from './session'
import * as uploads from './uploads'
import { watch, type Watcher } from './watch'

let watching: AbortController | null = null

const watcher: Watcher = {
  progress: list.progress,
  unfinished: list.unfinished,
  changed: list.refresh,
  ended: () => (byId('ended').hidden = false),
}

function enter(): void {
  const email = whose()
  byId('welcome').hidden = email !== null
  byId('work').hidden = email === null
  byId('account').hidden = email === null
  byId('account-email').textContent = email ?? ''
  if (email !== null) follow()
}

function follow(): void {
  watching?.abort()
  watching = new AbortController()
  byId('ended').hidden = true
  void list.refresh().catch(() => {}) // the watcher tells of it as well
  void watch(watcher, watching.signal)
}

function leave(): void {
  logOut()
  restart()
  byId('email').focus()
}

/** Shows what there is for whoever is logged in now, and nothing of anybody else's. */
function restart(): void {
  watching?.abort()
  watching = null
  list.clear()
  uploads.clear()
  enter()
}

login.setUp(follow)
entry.setUp(() => {
  enter()
  byId('main').focus()
})
account.setUp(leave, () => (byId('account-email').textContent = whose()))
list.setUp()
uploads.setUp(list.show, list.showEmpty)
byId('logout').addEventListener('click', leave)
onElsewhere(restart)
byId('resume').addEventListener('click', () => {
  authorize().catch(() => {}) // who would rather not stays where they are
})
enter()
links.setUp((token) => {
  if (whose() !== null) leave() // all sessions end with the old password
  entry.reset(token)
})
