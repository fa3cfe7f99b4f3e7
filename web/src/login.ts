// Logging in again, and seeing a password.

import { byId } from './dom'
import { onSubmit } from './form'
import { account, logIn, onExpired, SessionEnded } from './session'

/** Makes the dialog and the buttons work. Renewed is called when somebody has logged in again. */
export function setUp(renewed: () => void): void {
  setUpAgain(renewed)
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-reveal]')) {
    button.addEventListener('click', () => {
      const input = byId<HTMLInputElement>(button.dataset.reveal!)
      const reveal = input.type === 'password'
      input.type = reveal ? 'text' : 'password'
      button.setAttribute('aria-pressed', String(reveal))
      button.textContent = reveal ? 'Hide' : 'Show'
    })
  }
}

function setUpAgain(renewed: () => void): void {
  const dialog = byId<HTMLDialogElement>('again')
  const form = byId<HTMLFormElement>('again-form')
  const password = byId<HTMLInputElement>('again-password')

  onExpired(() => {
    byId<HTMLInputElement>('again-email').value = account() ?? ''
    byId('again-error').textContent = ''
    password.value = ''
    dialog.returnValue = ''
    dialog.showModal()
    password.focus()
    return new Promise((resolve, reject) => {
      dialog.addEventListener('close', () => (dialog.returnValue === 'in' ? resolve() : reject(new SessionEnded())), { once: true })
    })
  })

  byId('again-cancel').addEventListener('click', () => dialog.close())
  onSubmit(form, byId('again-error'), async () => {
    await logIn(account() ?? '', password.value)
    password.value = ''
    dialog.close('in')
    renewed()
  })
}
