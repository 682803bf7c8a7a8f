// oidc-provider, with the settings that make it behave as authentik does.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';
import { logoutPage } from './pages.mjs';

const cookieKeys = [randomBytes(32).toString('hex')];
const memory = createMemoryAdapter(15); // outlives a rebuilt provider, as a database would

// Where the endpoints are: at authentik's paths, so that nobody guesses them.
export const routes = {
  authorization: '/application/o/authorize',
  token: '/application/o/token',
  userinfo: '/application/o/userinfo',
  end_session: '/application/o/end-session',
  jwks: '/application/o/jwks',
  revocation: '/application/o/revoke',
  introspection: '/application/o/introspect',
};

export function newKeys() {
  const jwk = (kind, options) => generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' });
  return [
    { ...jwk('rsa', { modulusLength: 2048 }), alg: 'RS256', use: 'sig' },
    { ...jwk('ec', { namedCurve: 'P-256' }), alg: 'ES256', use: 'sig' },
  ];
}

// build makes a provider. It cannot be changed afterwards: another key or client
// is another provider over the same memory.
export function build({ issuer, keys, clients, accounts, userinfoOnly }) {
  const email = ['email', 'email_verified'];
  const provider = new Provider(issuer, {
    adapter: memory,
    clients: clients.map(client),
    jwks: { keys },
    cookies: { keys: cookieKeys },
    routes,
    pkce: { required: () => true },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', 'email', 'profile'],
    claims: { openid: ['sub'], email, profile: accounts.names().filter((name) => !email.includes(name)) },
    // authentik says everything in the ID token, too, unless it is told otherwise.
    conformIdTokenClaims: userinfoOnly,
    findAccount: (_, sub) => accounts.find(sub),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      introspection: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = logoutPage(form);
        },
      },
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Grant: 86400, Session: 86400, RefreshToken: 86400 },
  });
  provider.on('server_error', (_, error) => console.error(error));
  return provider;
}

function client(settings) {
  return {
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    // A secret is taken in the header and in the body alike.
    token_endpoint_auth_method: settings.client_secret ? 'client_secret_basic' : 'none',
    ...settings,
  };
}
