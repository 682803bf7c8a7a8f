// 1.7 has no genericOAuthClient: its providers go through signIn.social.
export { createAuthClient } from 'better-auth-1.7/client';
export { twoFactorClient } from 'better-auth-1.7/client/plugins';
export { passkeyClient } from 'passkey-1.7/client';
