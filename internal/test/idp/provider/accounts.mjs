// The people of this provider: what each is for, and what is said about them.
import { createHash } from 'node:crypto';

const table = {
  // Everything as it should be.
  ada: { email: 'ada@example.org', email_verified: true, name: 'Ada Lovelace', given_name: 'Ada' },
  // authentik says since 2025.10 that nobody's address is verified.
  authentik: { email: 'authentik@example.org', email_verified: false, name: 'Anna Authentik', given_name: 'Anna' },
  // No address at all.
  jarvis: { name: 'Jarvis' },
  // An address that is there and empty.
  empty: { email: '', email_verified: false, name: 'Emma Empty' },
  // An address that is none, and is said to be verified.
  odd: { email: 'odd@@example..org', email_verified: true, name: 'Odd Address' },
  // Nothing that one could be called by.
  noname: { email: 'noname@example.org', email_verified: true },
};

// Whoever signs in with this name sends the provider into an error.
export const failing = 'error';

export class Accounts {
  #claims = new Map();
  #logins = new Map(); // by subject

  constructor(more) {
    for (const [login, claims] of Object.entries(table)) {
      const named = claims.name && { preferred_username: login, nickname: login };
      this.set(login, { ...named, groups: [], ...claims });
    }
    for (const [login, claims] of Object.entries(more)) {
      this.set(login, claims);
    }
  }

  set(login, claims) {
    this.#claims.set(login, claims);
    this.#logins.set(subject(login), login);
  }

  has(login) {
    return this.#claims.has(login);
  }

  // What oidc-provider asks: an account whose claims are as they are now.
  find(sub) {
    const login = this.#logins.get(sub);
    return login && { accountId: sub, claims: async () => ({ ...this.#claims.get(login), sub }) };
  }

  // Every claim that anybody has.
  names() {
    return [...new Set([...this.#claims.values()].flatMap(Object.keys))];
  }
}

// As authentik makes it: a hash, from which nobody learns the login name.
export function subject(login) {
  return createHash('sha256').update(`gatehouse-test-idp:${login}`).digest('hex');
}
