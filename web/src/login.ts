// Signing up, logging in, and logging in again.

import { byId, find, message } from './dom'
import { Failed } from './request'
import { account, logIn, onExpired, SessionEnded, signUp } from './session'

/** Makes the forms work. Entered is called when somebody has logged in, renewed when they did so again. */
export function setUp(entered: () => void, renewed: () => void): void {
  setUpLogin(entered)
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

function setUpLogin(entered: () => void): void {
  const form = byId<HTMLFormElement>('login')
  const password = byId<HTMLInputElement>('password')
  let signingUp = false

  byId('switch').addEventListener('click', () => {
    signingUp = !signingUp
    byId('login-title').textContent = signingUp ? 'Make an account' : 'Log in'
    byId('login-submit').textContent = signingUp ? 'Sign up' : 'Log in'
    byId('switch-text').textContent = signingUp ? 'Already have one?' : 'New here?'
    byId('switch').textContent = signingUp ? 'Log in' : 'Make an account'
    byId('password-hint').hidden = !signingUp
    byId('login-error').textContent = ''
    password.autocomplete = signingUp ? 'new-password' : 'current-password'
    byId<HTMLInputElement>('email').focus()
  })

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit(form, byId('login-error'), async () => {
      const email = byId<HTMLInputElement>('email').value
      if (signingUp) await signUp(email, password.value)
      await logIn(email, password.value)
      form.reset()
      entered()
    })
  })
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
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit(form, byId('again-error'), async () => {
      await logIn(account() ?? '', password.value)
      password.value = ''
      dialog.close('in')
      renewed()
    })
  })
}

/** Does something once, whatever is clicked meanwhile, and shows why it failed. */
async function submit(form: HTMLFormElement, error: HTMLElement, work: () => Promise<void>): Promise<void> {
  const button = find<HTMLButtonElement>(form, '[type=submit]')
  if (button.disabled) return
  button.disabled = true
  error.textContent = ''
  try {
    await work()
  } catch (failure) {
    error.textContent = message(failure)
    if (failure instanceof Failed && failure.status === 401) find<HTMLInputElement>(form, '[name=password]').select()
  } finally {
    button.disabled = false
  }
}
