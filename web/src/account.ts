// The account: what is in it, another password or address, and its end.

import * as api from './api'
import { confirmed } from './confirm'
import { announce, byId, message } from './dom'
import { onSubmit } from './form'
import * as keys from './keys'
import { rename } from './session'
import { days, duration, size } from './words'

/** Makes the dialog work. Left is called when the account is removed, renamed when it has another address. */
export function setUp(left: () => void, renamed: () => void): void {
  const dialog = byId<HTMLDialogElement>('account-dialog')
  byId('account-email').addEventListener('click', () => {
    for (const id of ['password-change', 'address-change']) byId<HTMLFormElement>(id).reset()
    for (const part of dialog.querySelectorAll('details')) part.open = false
    for (const said of dialog.querySelectorAll('.error, .done')) said.textContent = ''
    dialog.showModal()
    void show()
    void keys.show()
  })
  byId('account-close').addEventListener('click', () => dialog.close())
  keys.setUp()
  setUpPassword()
  setUpAddress(renamed)
  byId('account-remove').addEventListener('click', () => void remove(dialog, left))
}

async function show(): Promise<void> {
  const usage = byId('account-usage')
  try {
    const { usage: has, limits } = await api.me()
    const count = Object.values(has.conversions).reduce((sum, n) => sum + n, 0)
    const kept = limits.retention === null ? 'for ever' : `for ${days(limits.retention)}`
    usage.textContent =
      `${count} ${count === 1 ? 'conversion' : 'conversions'}, ${size(has.bytes)}. ` +
      `A video may have ${size(limits.upload_bytes)} and ${duration(limits.duration)} of sound; files are kept ${kept}.`
  } catch (error) {
    usage.textContent = message(error)
  }
}

function setUpPassword(): void {
  const form = byId<HTMLFormElement>('password-change')
  onSubmit(form, byId('password-change-error'), async () => {
    byId('password-change-done').textContent = ''
    await api.changeMe({ password: byId<HTMLInputElement>('new-password').value, current_password: byId<HTMLInputElement>('old-password').value })
    form.reset()
    byId('password-change-done').textContent = 'The password is changed. Wherever else you were logged in, you are no more.'
  })
}

function setUpAddress(renamed: () => void): void {
  const form = byId<HTMLFormElement>('address-change')
  onSubmit(form, byId('address-change-error'), async () => {
    const email = byId<HTMLInputElement>('new-email').value.trim()
    byId('address-change-done').textContent = ''
    const account = await api.changeMe({ email, current_password: byId<HTMLInputElement>('address-password').value })
    form.reset()
    await rename(account.email)
    renamed()
    byId('address-change-done').textContent =
      account.email === email.toLowerCase() ? `The address is ${account.email} now.` : `A mail with a link is on its way to ${email}: the address is changed when you open it.`
  })
}

async function remove(dialog: HTMLDialogElement, left: () => void): Promise<void> {
  byId('account-error').textContent = ''
  if (!(await confirmed('Remove your account?', 'All of your conversions, videos and MP3s are removed with it, for good.', 'Remove everything'))) return
  try {
    await api.deleteMe()
  } catch (error) {
    byId('account-error').textContent = message(error)
    return
  }
  dialog.close()
  left()
  announce('Your account is removed.')
}
