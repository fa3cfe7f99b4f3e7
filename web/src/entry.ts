// The card before the log-in: logging in, signing up, and getting over a forgotten password.

import * as api from './api'
import { byId } from './dom'
import { onSubmit } from './form'
import { Failed } from './request'
import { logIn, signUp } from './session'

type Mode = 'login' | 'signup' | 'forgot' | 'reset'

const words: Record<Mode, { title: string; submit: string; question: string; other: string }> = {
  login: { title: 'Log in', submit: 'Log in', question: 'New here?', other: 'Make an account' },
  signup: { title: 'Make an account', submit: 'Sign up', question: 'Already have one?', other: 'Log in' },
  forgot: { title: 'Forgot your password?', submit: 'Send me a link', question: 'Remembered it?', other: 'Log in' },
  reset: { title: 'Choose another password', submit: 'Save', question: 'Not now?', other: 'Log in' },
}

let mode: Mode = 'login'
let resetToken = ''

/** Makes the card work. Entered is called when somebody has logged in. */
export function setUp(entered: () => void): void {
  const form = byId<HTMLFormElement>('login')
  byId('switch').addEventListener('click', () => turn(mode === 'login' ? 'signup' : 'login'))
  byId('forgot').addEventListener('click', () => turn('forgot'))
  onSubmit(form, byId('login-error'), async () => {
    say('')
    await send[mode](byId<HTMLInputElement>('email').value, byId<HTMLInputElement>('password').value, () => {
      form.reset()
      turn('login')
      byId('message').hidden = true
      entered()
    })
  })
}

/** Has the person choose another password, by what was mailed to them. */
export function reset(token: string): void {
  resetToken = token
  turn('reset')
}

const send: Record<Mode, (email: string, password: string, entered: () => void) => Promise<void>> = {
  async login(email, password, entered) {
    await logIn(email, password)
    entered()
  },
  async signup(email, password, entered) {
    await signUp(email, password)
    try {
      await logIn(email, password)
    } catch (error) {
      if (!(error instanceof Failed) || error.kind !== 'not-verified') throw error
      turn('login')
      return say('Your account is made. A mail with a link is on its way to you: open it, then log in.')
    }
    entered()
  },
  async forgot(email) {
    await api.forgetPassword(email)
    turn('login')
    say('If there is such an account, a mail with a link is on its way to it.')
  },
  async reset(_, password) {
    await api.resetPassword(resetToken, password)
    byId<HTMLInputElement>('password').value = ''
    turn('login')
    say('The password is changed. Log in with the new one.')
  },
}

function turn(to: Mode): void {
  mode = to
  byId('login-title').textContent = words[to].title
  byId('login-submit').textContent = words[to].submit
  byId('switch-text').textContent = words[to].question
  byId('switch').textContent = words[to].other
  byId('login-error').textContent = ''
  say('')
  ask('email', to !== 'reset')
  ask('password', to !== 'forgot')
  byId('forgot-line').hidden = to !== 'login'
  byId('password-hint').hidden = to !== 'signup' && to !== 'reset'
  byId<HTMLInputElement>('password').autocomplete = to === 'login' ? 'current-password' : 'new-password'
  byId(to === 'reset' ? 'password' : 'email').focus()
}

/** Shows a field and wants it filled in, or neither. */
function ask(id: string, wanted: boolean): void {
  byId(id + '-field').hidden = !wanted
  byId<HTMLInputElement>(id).required = wanted
}

function say(text: string): void {
  byId('login-notice').textContent = text
}
