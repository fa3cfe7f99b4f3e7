// What links in mails ask for: their tokens are in the fragment of the page's address.

import * as api from './api'
import { byId, message } from './dom'
import { account, rename } from './session'

/** Follows the link that the page was opened by, and those that are opened in it. Choose is called with the token of one for another password. */
export function setUp(choose: (token: string) => void): void {
  const follow = () => {
    const [, purpose, token] = /^#(reset|verify)=([\w-]+)$/.exec(location.hash) ?? []
    if (!token) return
    history.replaceState(null, '', location.pathname + location.search) // it stays in no history
    if (purpose === 'reset') choose(token)
    else void verify(token)
  }
  addEventListener('hashchange', follow)
  follow()
}

async function verify(token: string): Promise<void> {
  const shown = byId('message')
  try {
    await api.verifyAddress(token)
    shown.textContent = account() === null ? 'Your address is confirmed. You can log in now.' : 'Your address is confirmed.'
    if (account() !== null) await rename((await api.me()).email) // it may be a new one
  } catch (error) {
    shown.textContent = message(error)
  }
  shown.hidden = false
}
